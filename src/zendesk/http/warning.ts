const LONGEST = 160

/** What stands for all that Zendesk may have taken from a request or from the account. */
const CUT = '…'

const QUOTED = /(["'`]).*?\1|\[.*?\]|\(.*?\)|\{.*?\}|<.*?>/gs
/** Shorter than any token that is spelt in letters alone. */
const PLAIN_WORD = /^[a-z]{1,15}[,.:;]?$/
const FIRST_WORD = /^[A-Z]?[a-z]{1,15}[,.:;]?$/

/**
 * The text of an `X-Zendesk-API-Warn` as it may be logged. It tells of parameters that are ignored or
 * will go away, and quotes them: what is quoted, and every word that is not plainly one (names,
 * numbers, addresses, tokens), is left out. The words around still say which notice to look up.
 */
export function warningText(header: string): string {
  const words = header.replaceAll(QUOTED, ` ${CUT} `).trim().split(/\s+/)
  const safe = words.map((word, index) =>
    PLAIN_WORD.test(word) || (index === 0 && FIRST_WORD.test(word)) ? word : CUT,
  )
  const text = safe.filter((word, index) => word !== CUT || safe[index - 1] !== CUT).join(' ')
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}${CUT}`
}

/** Zendesk's number of a request, if it is one: what is logged of an answer may not be any text. */
export function requestIdOf(header: string | undefined): string | undefined {
  return header !== undefined && /^[\w.-]{1,64}$/.test(header) ? header : undefined
}
