import type { Cell, Column, Ending, Row } from './cell.ts'

const signs: Readonly<Record<Ending, string>> = {
  same: '=',
  'set aside': 'a',
  gone: 'g',
  exhausted: 'x',
  zendesk_shape: 's',
  credentials_revoked: 'c',
  refresh_token_missing: 'm',
  refresh_token_expired: 'l',
  role_insufficient: 'r',
  scope_insufficient: 'o',
  client_rejected: 'i',
  account_changed: 'n',
}

export interface Result {
  readonly cell: Cell
  readonly problems: readonly string[]
}

/** The matrix as text: faults downwards, places to the right. */
export function tableOf(
  title: string,
  rows: readonly Row[],
  columns: readonly Column[],
  results: readonly Result[],
): string {
  const signAt = (row: Row, column: Column): string => {
    const result = results.find(({ cell }) => cell.row === row && cell.column === column)
    if (result === undefined) return '·'
    return result.problems.length > 0 ? '!' : signs[result.cell.expected]
  }
  const present = rows.filter((row) => results.some(({ cell }) => cell.row === row))
  const width = Math.max(...present.map(({ name }) => name.length))
  const head = `${''.padEnd(width)}  ${columns.map(({ name }) => name).join('  ')}`
  const lines = present.map((row) => {
    const cells = columns.map((column) => signAt(row, column).padEnd(column.name.length))
    return `${row.name.padEnd(width)}  ${cells.join('  ')}`.trimEnd()
  })
  const used = new Set(results.map(({ cell }) => cell.expected))
  const legend = (Object.keys(signs) as Ending[])
    .filter((ending) => used.has(ending))
    .map((ending) => `${signs[ending]} ${ending}`)
  const key = [...legend, '· cannot occur, or left to MATRIX=whole', '! not as expected'].join(
    '   ',
  )
  return ['', title, head, ...lines, key, ''].join('\n')
}
