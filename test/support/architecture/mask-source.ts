/** Before these a slash begins a regular expression; elsewhere it divides. */
const BEFORE_REGEX =
  /(?:^|[(,=:[!&|?{;+\-*%<>~^]|\b(?:return|typeof|case|in|of|throw|await|yield))\s*$/

const COMMENT = /\/\/.*|\/\*[\s\S]*?\*\//y
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y
const REGEX = /\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//y
/** A piece of a template: from its beginning or the end of an inserted expression to the next one. */
const TEMPLATE = /[`}](?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y

function match(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(source)?.[0]
}

/** Keeps the first and last character and all positions, blanks what is between. */
function blank(text: string): string {
  return text.slice(0, 1) + text.slice(1, -1).replaceAll(/[^\n]/g, ' ') + text.slice(1).slice(-1)
}

/**
 * The source with the inside of comments, strings, templates and regular expressions blanked, so
 * that a search in it finds code only. Every character keeps its position.
 */
export function maskSource(source: string): string {
  let masked = ''
  /** For each template that is open, the depth of braces in its inserted expression. */
  const depths: number[] = []
  while (masked.length < source.length) {
    masked += nextToken(source, masked, depths)
  }
  return masked
}

function nextToken(source: string, masked: string, depths: number[]): string {
  const at = masked.length
  const char = source.charAt(at)
  const comment = char === '/' ? match(COMMENT, source, at) : undefined
  if (comment !== undefined) return comment.replaceAll(/[^\n]/g, ' ')
  const string = char === "'" || char === '"' ? match(STRING, source, at) : undefined
  if (string !== undefined) return blank(string)
  const regex = char === '/' && BEFORE_REGEX.test(masked) ? match(REGEX, source, at) : undefined
  if (regex !== undefined) return blank(regex)
  const endsInsertion = char === '}' && depths.at(-1) === 0
  if (char === '`' || endsInsertion) return templatePiece(source, at, depths, endsInsertion)
  if (depths.length > 0) countBrace(char, depths)
  return char
}

function templatePiece(source: string, at: number, depths: number[], goesOn: boolean): string {
  const piece = match(TEMPLATE, source, at) ?? source.slice(at)
  const isOpen = piece.endsWith('${')
  if (isOpen && !goesOn) depths.push(0)
  if (!isOpen && goesOn) depths.pop()
  return blank(piece)
}

function countBrace(char: string, depths: number[]): void {
  const last = depths.length - 1
  if (char === '{') depths[last] = (depths[last] ?? 0) + 1
  if (char === '}') depths[last] = (depths[last] ?? 0) - 1
}
