import { posix } from 'node:path'
import { type ModuleFacts, type ModuleImport, readModule } from './read-module.ts'

/**
 * The rules of the tree, as a checker of one file at a time. Verbs run, nouns hold: between two verbs
 * there is always a row, so they never import each other. And the name of a file says whether it may
 * touch the world.
 */

const VERBS = [
  'webhook',
  'connect',
  'schedule',
  'reconcile',
  'publish',
  'extract',
  'admin',
  'console',
  'housekeeping',
]

const NOUNS = [
  'workspace',
  'integration',
  'credential',
  'hint',
  'cursor',
  'run',
  'ticket',
  'transcript',
  'outbox',
  'signal',
  'theme',
]

/** Files directly in src/ that only hold names and types; the others there are entries. */
const BASE = ['src/ids.ts', 'src/queues.ts']

const LAYERS = [
  'base',
  'platform',
  'gateway',
  'noun',
  'verb',
  'simulator',
  'demo',
  'entry',
  'database',
  'test',
] as const
type Layer = (typeof LAYERS)[number]

/** Who may import whom. A verb may also import itself, which the table cannot say. */
const MAY_IMPORT: Readonly<Record<Layer, readonly Layer[]>> = {
  base: ['base'],
  platform: ['base', 'platform', 'database'],
  gateway: ['base', 'platform', 'database', 'gateway'],
  noun: ['base', 'platform', 'database', 'gateway', 'noun'],
  verb: ['base', 'platform', 'database', 'gateway', 'noun'],
  simulator: ['base', 'platform', 'simulator'],
  demo: ['base', 'platform', 'database', 'gateway', 'noun', 'simulator', 'demo'],
  entry: ['base', 'platform', 'database', 'gateway', 'noun', 'verb', 'entry'],
  database: ['base', 'platform', 'database'],
  test: LAYERS,
}

/** The one entry that shows the service to a newcomer, against a simulated account. */
const DEMO_ENTRY = 'src/dev.ts'

/** The one noun that the gateway knows: no request goes out without a token. */
const THE_VAULT = 'credential'

const EDGE = /(?:^|[/-])(?:store|client|sink|routes?)\.ts$/
const PASS = /-once\.ts$/

const WORLDLY_PACKAGES =
  /^(?:node:)?(?:fs|net|tls|dgram|dns|https?|http2|child_process|timers)(?:\/|$)|^(?:undici|pg|pg-boss)$/
const RANDOM_NAMES = /^(?:random|getRandomValues|generate|webcrypto|default|\*)/

const WORLDLY_CODE: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\bDate\.now\b/, 'Date.now()'],
  [/\bnew Date\b(?!\s*\(\s*[^\s)])/, 'new Date() without arguments'],
  [/\bDateTime\.now\b/, 'DateTime.now()'],
  [/\bDateTime\.(?:utc|local)\(\s*\)/, 'DateTime.utc() without arguments'],
  [/\bperformance\.now\b/, 'performance.now()'],
  [/\bMath\.random\b/, 'Math.random()'],
  [/\bcrypto\.(?:random|getRandomValues|generate)/, 'randomness of crypto'],
  [/(?<![.\w])fetch\(/, 'fetch()'],
  [/(?<![.\w])set(?:Timeout|Interval|Immediate)\(/, 'a timer'],
]

/** The findings about one file; `path` is relative to the repository, with slashes. */
export function checkModule(path: string, source: string): string[] {
  const facts = readModule(source)
  return [
    ...checkLayers(path, facts),
    ...checkShape(path, facts),
    ...checkPurity(path, facts),
    ...checkEnvironment(path, facts),
  ].map((finding) => `${path}: ${finding}`)
}

function checkLayers(path: string, { imports }: ModuleFacts): string[] {
  const from = layerOf(path)
  if (from === undefined) return ['its folder is no verb and no noun: name it in the import rules']
  return relativeImports(path, imports).flatMap(({ target }) => {
    const to = layerOf(target)
    if (to === undefined) return [`imports ${target}, which is outside of the tree`]
    return mayImport(path, from, target, to)
      ? []
      : [`imports ${target}: no ${from} imports a ${to}`]
  })
}

function mayImport(path: string, from: Layer, target: string, to: Layer): boolean {
  if (path === DEMO_ENTRY && (to === 'simulator' || to === 'demo')) return true
  if (from === 'gateway' && folderOf(target) === THE_VAULT) return true
  if (from === 'verb' && to === 'verb') return folderOf(path) === folderOf(target)
  return MAY_IMPORT[from].includes(to)
}

function layerOf(path: string): Layer | undefined {
  const [top, folder = ''] = path.split('/')
  if (top === 'db') return 'database'
  if (top === 'test' || top === 'examples') return 'test'
  if (top !== 'src') return undefined
  if (BASE.includes(path)) return 'base'
  if (folder.endsWith('.ts')) return 'entry'
  if (VERBS.includes(folder)) return 'verb'
  if (NOUNS.includes(folder)) return 'noun'
  if (folder === 'zendesk') return 'gateway'
  return folder === 'platform' || folder === 'simulator' || folder === 'demo' ? folder : undefined
}

function folderOf(path: string): string | undefined {
  return path.split('/')[1]
}

/** Explicit endings, no barrels, no default exports. */
function checkShape(path: string, { code, imports }: ModuleFacts): string[] {
  const endings = relativeImports(path, imports)
    .filter(({ specifier }) => !specifier.endsWith('.ts'))
    .map(({ specifier }) => `imports ${specifier}: a relative import ends in .ts`)
  const barrels = imports
    .filter((it) => it.isReExport)
    .map(({ specifier }) => `re-exports from ${specifier}: import the file that has the thing`)
  const defaults = /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/.test(code)
    ? ['has a default export: exports have names']
    : []
  return [...endings, ...barrels, ...defaults]
}

/** Only edges, passes and what lies around the stages may touch the world. */
function checkPurity(path: string, { code, imports }: ModuleFacts): string[] {
  if (!mustBePure(path)) return []
  const runtime = imports.filter((it) => !it.isTypeOnly)
  const edges = relativeImports(path, runtime)
    .filter(
      ({ target }) => EDGE.test(target) || PASS.test(target) || layerOf(target) === 'database',
    )
    .map(({ target }) => `imports ${target}: a pure file imports no edge, no pass and no database`)
  const packages = runtime
    .filter(isWorldly)
    .map(({ specifier, names }) => `imports ${names.join(', ')} from ${specifier}: it must be pure`)
  const uses = WORLDLY_CODE.filter(([pattern]) => pattern.test(code)).map(
    ([, what]) => `uses ${what}: a pure file takes time and randomness as arguments`,
  )
  return [...edges, ...packages, ...uses]
}

function mustBePure(path: string): boolean {
  const layer = layerOf(path)
  const isStage = layer === 'base' || layer === 'gateway' || layer === 'noun' || layer === 'verb'
  return isStage && !EDGE.test(path) && !PASS.test(path)
}

function isWorldly({ specifier, names }: ModuleImport): boolean {
  if (WORLDLY_PACKAGES.test(specifier)) return true
  return /^(?:node:)?crypto$/.test(specifier) && names.some((name) => RANDOM_NAMES.test(name))
}

/** The environment is read in one place; entries, which are started with it, pass it in. */
function checkEnvironment(path: string, { code }: ModuleFacts): string[] {
  const layer = layerOf(path)
  const isOutside = layer === 'entry' || layer === 'simulator' || layer === 'test'
  const mayRead = isOutside || path === 'src/platform/config/config.ts' || path === 'db/release.ts'
  if (mayRead || !/\bprocess\.env\b/.test(code)) return []
  return [
    'uses process.env: only src/platform/config/config.ts and the entries read the environment',
  ]
}

interface RelativeImport extends ModuleImport {
  readonly target: string
}

function relativeImports(path: string, imports: readonly ModuleImport[]): RelativeImport[] {
  return imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map((it) => ({ ...it, target: posix.join(posix.dirname(path), it.specifier) }))
}
