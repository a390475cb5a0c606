import type { ServerResponse } from 'node:http'
import type { Answer } from '../api/answer.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

let sent = 0

/** Writes an answer with the headers that Zendesk puts on most of them. */
export function send(
  response: ServerResponse,
  answer: Answer,
  headers: Readonly<Record<string, string>>,
): void {
  const text = answer.text ?? (answer.body === undefined ? '' : JSON.stringify(answer.body))
  const id = (++sent).toString(16).padStart(16, '0')
  response.writeHead(answer.status, {
    'Content-Type': answer.contentType ?? JSON_TYPE,
    ...(answer.status === 204 ? {} : { 'Content-Length': Buffer.byteLength(text) }),
    'Cache-Control': 'max-age=0, private, must-revalidate',
    ETag: `W/"${id}"`,
    'X-Request-Id': id,
    'X-Zendesk-API-Version': 'v2',
    'X-Zendesk-Zorg': 'yes',
    ...headers,
    ...answer.headers,
  })
  response.end(text)
}

/** Ends a connection without an answer, or in the middle of one. */
export function cut(
  response: ServerResponse,
  outcome: { kind: 'reset' } | { kind: 'cut'; answer: Answer },
): void {
  if (outcome.kind === 'reset') {
    response.socket?.resetAndDestroy()
    return
  }
  const text = outcome.answer.text ?? JSON.stringify(outcome.answer.body ?? {})
  response.writeHead(outcome.answer.status, {
    'Content-Type': JSON_TYPE,
    'Content-Length': Buffer.byteLength(text),
  })
  response.write(text.slice(0, Math.floor(text.length / 2)), () => response.socket?.destroy())
}
