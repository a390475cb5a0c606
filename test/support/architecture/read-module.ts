import { maskSource } from './mask-source.ts'

export interface ModuleImport {
  readonly specifier: string
  /** Whether the import is gone when types are stripped. */
  readonly isTypeOnly: boolean
  /** `export … from`: the file hands on what another one has. */
  readonly isReExport: boolean
  /** The imported names that exist at run time, as the other file calls them. */
  readonly names: readonly string[]
}

export interface ModuleFacts {
  readonly code: string
  readonly imports: readonly ModuleImport[]
}

const IMPORT =
  /\b(import|export)\b(\s+type\b(?!\s*,|\s+from))?\s*([\w\s{},*$]*?)(?:\bfrom\s*)?(['"])/g
const DYNAMIC_IMPORT = /\bimport\s*\(\s*(['"])/g

/** What a file imports, and its code without comments and strings. */
export function readModule(source: string): ModuleFacts {
  const code = maskSource(source)
  const quoted = (quoteAt: number): string =>
    source.slice(quoteAt + 1, source.indexOf(source.charAt(quoteAt), quoteAt + 1))
  const imports: ModuleImport[] = []
  for (const match of code.matchAll(IMPORT)) {
    const [text, keyword, type, clause = ''] = match
    if (keyword === 'export' && !/\bfrom\s*['"]$/.test(text)) continue
    imports.push({
      specifier: quoted(match.index + text.length - 1),
      isTypeOnly: type !== undefined,
      isReExport: keyword === 'export',
      names: type === undefined ? runtimeNames(clause) : [],
    })
  }
  for (const match of code.matchAll(DYNAMIC_IMPORT)) {
    const specifier = quoted(match.index + match[0].length - 1)
    imports.push({ specifier, isTypeOnly: false, isReExport: false, names: ['*'] })
  }
  return { code, imports }
}

/** `a, { b as c, type D }` → `default`, `b`; `* as a` → `*`. */
function runtimeNames(clause: string): readonly string[] {
  const [outside = '', inside = ''] = clause.split(/[{}]/)
  const whole = outside.includes('*') ? ['*'] : /\w/.test(outside) ? ['default'] : []
  const named = inside
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && !part.startsWith('type '))
    .map((part) => part.split(/\s/)[0] ?? part)
  return [...whole, ...named]
}
