import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, sep } from 'node:path'
import test from 'ava'
import { checkModule } from './support/architecture/import-rules.ts'
import { maskSource } from './support/architecture/mask-source.ts'

const root = join(import.meta.dirname, '..')

function sourceFiles(): string[] {
  return ['src', 'db', 'test', 'examples']
    .filter((top) => existsSync(join(root, top)))
    .flatMap((top) => {
      const names = readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
      return names.map((name) => join(top, name).replaceAll(sep, '/'))
    })
    .filter((path) => path.endsWith('.ts'))
}

const sourceOf = (path: string): string => readFileSync(join(root, path), 'utf8')

test('every file of the tree keeps the import rules and the purity rule', (t) => {
  const files = sourceFiles()

  const findings = files.flatMap((path) => checkModule(path, sourceOf(path)))

  t.true(files.includes('src/ids.ts'))
  t.deepEqual(findings, [])
})

test('the checker misreads no file: outside of strings and comments all brackets close', (t) => {
  const count = (code: string, bracket: string): number => code.split(bracket).length - 1
  const isOpen = (code: string): boolean =>
    ['()', '[]', '{}'].some((pair) => count(code, pair.charAt(0)) !== count(code, pair.charAt(1)))

  const misread = sourceFiles().filter((path) => isOpen(maskSource(sourceOf(path))))

  t.deepEqual(misread, [])
})

const finds = test.macro({
  title: (title) => title ?? '',
  exec: (t, path: string, source: string, expected: string) => {
    t.deepEqual(checkModule(path, source), [`${path}: ${expected}`])
  },
})

const passes = test.macro({
  title: (title) => title ?? '',
  exec: (t, path: string, source: string) => {
    t.deepEqual(checkModule(path, source), [])
  },
})

test(
  'a verb that imports another verb is found, even for a type',
  finds,
  'src/publish/deliver.ts',
  "import type { Page } from '../reconcile/page.ts'",
  'imports src/reconcile/page.ts: no verb imports a verb',
)
test(
  'a noun that imports a verb is found',
  finds,
  'src/outbox/store.ts',
  "import { relayOnce } from '../publish/relay-once.ts'",
  'imports src/publish/relay-once.ts: no noun imports a verb',
)
test(
  'an import over several lines is found',
  finds,
  'src/platform/http.ts',
  "import {\n  a,\n  b, // of the noun\n} from '../ticket/ticket.ts'",
  'imports src/ticket/ticket.ts: no platform imports a noun',
)
test(
  'a dynamic import is found',
  finds,
  'src/web.ts',
  "const simulator = await import('./simulator/server.ts')",
  'imports src/simulator/server.ts: no entry imports a simulator',
)
test(
  'a source file that imports from the tests is found',
  finds,
  'src/worker.ts',
  "import { testDatabase } from '../test/support/database.ts'",
  'imports test/support/database.ts: no entry imports a test',
)
test(
  'a folder that is neither verb nor noun is found',
  finds,
  'src/utils/strings.ts',
  'export const a = 1',
  'its folder is no verb and no noun: name it in the import rules',
)
test(
  'a relative import without .ts is found',
  finds,
  'src/ticket/store.ts',
  "import { toTicket } from './ticket.js'",
  'imports ./ticket.js: a relative import ends in .ts',
)
test(
  'a barrel is found',
  finds,
  'src/ticket/ticket.ts',
  "export * from './fields.ts'",
  're-exports from ./fields.ts: import the file that has the thing',
)
test(
  'a default export is found',
  finds,
  'db/connect.ts',
  'export default function connect() {}',
  'has a default export: exports have names',
)
test(
  'a pure file that imports an edge is found',
  finds,
  'src/reconcile/decide.ts',
  "import { readTickets } from '../ticket/store.ts'",
  'imports src/ticket/store.ts: a pure file imports no edge, no pass and no database',
)
test(
  'a pure file that imports the file system is found',
  finds,
  'src/transcript/build.ts',
  "import { readFileSync } from 'node:fs'",
  'imports readFileSync from node:fs: it must be pure',
)
test(
  'a pure file that imports randomness is found',
  finds,
  'src/credential/seal.ts',
  "import { createCipheriv, randomBytes } from 'node:crypto'",
  'imports createCipheriv, randomBytes from node:crypto: it must be pure',
)
test(
  'the clock in an inserted expression of a template is found',
  finds,
  'src/run/slot.ts',
  'export const name = (a: { b: 1 }) => `${a.b} at ${Date.now()} or so`',
  'uses Date.now(): a pure file takes time and randomness as arguments',
)
test(
  'a date of now is found',
  finds,
  'src/run/slot.ts',
  'export const now = () => new Date( )',
  'uses new Date() without arguments: a pure file takes time and randomness as arguments',
)
test(
  'the environment outside of its place is found, in an edge too',
  finds,
  'src/publish/http-sink.ts',
  'const url = process.env.SINK_URL',
  'uses process.env: only src/platform/config/config.ts and the entries read the environment',
)

test(
  'a verb may import itself, nouns, the gateway, the platform and the database',
  passes,
  'src/reconcile/sync-once.ts',
  `import { pageOnce } from './page-once.ts'
import { readTickets } from '../ticket/store.ts'
import { fetchPage } from '../zendesk/client.ts'
import { log } from '../platform/log.ts'
import { connect } from '../../db/connect.ts'`,
)
test(
  'a pure file may import the types of an edge and hashes',
  passes,
  'src/reconcile/decide.ts',
  `import { createHash } from 'node:crypto'
import type { TicketRow } from '../ticket/store.ts'
import type { Database } from '../../db/schema.ts'`,
)
test(
  'an edge may touch the world',
  passes,
  'src/publish/file-sink.ts',
  "import { open } from 'node:fs/promises'\nexport const at = () => Date.now()",
)
test(
  'the development entry alone may import the simulator and the demo',
  passes,
  'src/dev.ts',
  "import { runDemo } from './demo/demo.ts'\nimport { serve } from './simulator/server.ts'",
)
test(
  'what stands in comments, strings and regular expressions counts for nothing',
  passes,
  'src/transcript/build.ts',
  `// import { a } from '../publish/a.ts' at Date.now()
/* process.env */
const text = "new Date() isn't here" + 'it\\'s Math.random()'
const pattern = /Date.now()['"\`/]/.test(text) ? 4 / 2 : \`process.env \${text} fetch(\`
const instant = new Date(0)`,
)
