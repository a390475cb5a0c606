import { compile } from 'html-to-text'

/** The fields of a comment that hold or disturb its text. */
export interface CommentText {
  readonly body?: string | null | undefined
  readonly html_body?: string | null | undefined
  readonly plain_body?: string | null | undefined
  readonly data?: CallData | null | undefined
  readonly formatted_from?: string | null | undefined
  readonly formatted_to?: string | null | undefined
  readonly transcription_visible?: boolean | null | undefined
}

/** A voice comment's call: its text names the parties, which nobody downstream may see. */
interface CallData {
  readonly from?: string | null | undefined
  readonly to?: string | null | undefined
  readonly recording_url?: string | null | undefined
  readonly transcription_text?: string | null | undefined
  readonly answered_by_name?: string | null | undefined
}

/** Deeper than people nest quotations; a comment nested on purpose must not exhaust the stack. */
const DEEPEST_NODE = 200

/** Fewer digits than this are an extension or an internal number that may stand for anything. */
const FEWEST_DIGITS = 5

const headings = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({
  selector,
  options: { uppercase: false },
}))

// Addresses of links and images stay out: those of attachments carry a token that opens them.
const htmlToText = compile({
  wordwrap: false,
  limits: { maxDepth: DEEPEST_NODE },
  selectors: [
    { selector: 'a', options: { ignoreHref: true } },
    { selector: 'img', format: 'skip' },
    ...headings,
  ],
})

/**
 * The plain text of a comment: Zendesk's own `plain_body`, where that is missing or empty the text of
 * the HTML, else the raw body. Marks of redaction stay as they are.
 */
export function commentText(comment: CommentText): string {
  const text = writtenText(comment)
  const isCall = comment.data ?? comment.formatted_from ?? comment.formatted_to
  return isCall ? callText(text, comment, comment.data ?? {}) : text
}

function writtenText({ plain_body, html_body, body }: CommentText): string {
  const plain = tidy(plain_body ?? '')
  if (plain !== '') return plain
  const fromHtml = html_body ? tidy(htmlToText(html_body)) : ''
  return fromHtml === '' ? tidy(body ?? '') : fromHtml
}

/** The generated summary and, if the agents may see it, what was said; without who spoke from where. */
function callText(written: string, comment: CommentText, call: CallData): string {
  const transcription = comment.transcription_visible === false ? '' : call.transcription_text
  const spoken = tidy(transcription ?? '')
  const whole =
    spoken === '' || written.includes(spoken) ? written : tidy(`${written}\n\n${spoken}`)
  const numbers = [call.from, call.to, comment.formatted_from, comment.formatted_to]
  const withoutNumbers = numbers.reduce(withoutNumber, whole)
  return tidy([call.recording_url, call.answered_by_name].reduce(withoutWords, withoutNumbers))
}

/** Takes a telephone number out, however its digits are grouped. */
function withoutNumber(text: string, number: string | null | undefined): string {
  const digits = (number ?? '').replaceAll(/\D/g, '')
  if (digits.length < FEWEST_DIGITS) return withoutWords(text, number)
  const grouped = digits.split('').join('[\\s().\\-/]*')
  return text.replaceAll(new RegExp(`(?<!\\d)(?:\\+|00)?\\(?${grouped}(?!\\d)`, 'g'), '')
}

function withoutWords(text: string, words: string | null | undefined): string {
  const trimmed = (words ?? '').trim()
  return trimmed === '' ? text : text.replaceAll(trimmed, '')
}

/** One kind of space, one kind of line end, none of either around. */
function tidy(text: string): string {
  return text.replaceAll('&nbsp;', ' ').replaceAll('\u00A0', ' ').replaceAll(/\r\n?/g, '\n').trim()
}
