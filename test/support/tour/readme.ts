import { readFileSync } from 'node:fs'
import path from 'node:path'

/** What a newcomer has: README.md, read as a list of things to do and of answers to expect. */

const README = path.join(import.meta.dirname, '..', '..', '..', 'README.md')

export const readme = readFileSync(README, 'utf8')

export interface Command {
  /** As it is written, continued lines included. */
  readonly text: string
  /** The part of its answer that stands behind it, if there is one. */
  readonly excerpt: unknown
}

/** The commands of the `sh` blocks, in their order; a `json` block belongs to the last one before it. */
export function commandsOf(markdown: string): Command[] {
  const blocks = [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
  const commands: { text: string; excerpt: unknown }[] = []
  for (const [, language, text = ''] of blocks) {
    const last = commands.at(-1)
    if (language === 'sh') {
      commands.push(...linesOf(text).map((line) => ({ text: line, excerpt: undefined })))
    } else if (language === 'json' && last !== undefined) {
      last.excerpt = JSON.parse(text)
    }
  }
  return commands
}

function linesOf(text: string): string[] {
  return text
    .split(/(?<!\\)\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

/** The scripts that the text tells people to run, by their names in package.json. */
export function scriptsIn(markdown: string): string[] {
  const named = [...markdown.matchAll(/\bnpm (?:run |(?=test))([a-z:]+)/g)]
  return [...new Set(named.map(([, name = '']) => name))]
}

/**
 * Where an answer differs from what the text shows of it: a list or an object may hold more, a number
 * may be any other, and text with "…" in it is text of any kind.
 */
export function differences(shown: unknown, actual: unknown, at = ''): string[] {
  if (typeof shown === 'string' && shown.includes('…')) {
    return typeof actual === 'string' ? [] : [`${at}: no text`]
  }
  if (typeof shown === 'number') return typeof actual === 'number' ? [] : [`${at}: no number`]
  if (typeof shown !== 'object' || shown === null) {
    return shown === actual ? [] : [`${at}: ${String(shown)} is shown, not ${String(actual)}`]
  }
  if (typeof actual !== 'object' || actual === null) return [`${at}: not there`]
  if (Array.isArray(shown) && !Array.isArray(actual)) return [`${at}: no list`]
  return Object.entries(shown).flatMap(([name, value]) =>
    differences(value, Reflect.get(actual, name), `${at}.${name}`),
  )
}
