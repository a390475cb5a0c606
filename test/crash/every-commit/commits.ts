/**
 * What a statement commits, named by what is written with it: the transaction that it ends, or itself
 * where no transaction is open; undefined if it commits nothing. In come the statements of a
 * connection since its last `begin`, this one last.
 */
export function commitOf(statements: readonly string[]): string | undefined {
  const [first = ''] = statements
  const last = statements.at(-1) ?? ''
  const isInside = BEGINS.test(first) && !statements.slice(0, -1).some((sql) => ENDS.test(sql))
  if (!isInside) return writesOf([last]).join(', ') || undefined
  if (last !== 'commit') return undefined
  return writesOf(statements).join(', ') || 'nothing'
}

const BEGINS = /^(begin|start transaction)\b/i
const ENDS = /^(commit|rollback)$/i
/** Not the `update` of a lock, nor that of a conflict. */
const WRITES = /(?<!\b(?:for|do|key) )\b(insert into|update|delete from)\s+"?([a-z_.]+)"?/gi

function writesOf(statements: readonly string[]): string[] {
  const writes = statements.flatMap((sql) =>
    [...sql.matchAll(WRITES)].map(([, verb = '', table = '']) => {
      const [word = ''] = verb.toLowerCase().split(' ')
      return `${word} ${table}`
    }),
  )
  return [...new Set(writes)].toSorted()
}
