import type { IncomingMessage, ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { Control } from './types.ts'
import { createControl } from './operations.ts'
import type { OracleFilter } from '../oracle.ts'
import type { State } from '../state.ts'

/**
 * The control plane: `POST /_control/{lever}` with the arguments as a JSON array answers
 * `{"value": …}`, or 422 `{"error": …}` for arguments that make no sense. The two lists of the
 * oracle stream as NDJSON.
 */
export async function answerControl(
  state: State,
  request: IncomingMessage,
  body: string,
  response: ServerResponse,
): Promise<void> {
  const name = (request.url ?? '').slice('/_control/'.length).split('?')[0] ?? ''
  const control = createControl(state)
  const parsed: unknown = body === '' ? [] : JSON.parse(body)
  const args: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed]
  try {
    const list = listOf(control, name, args)
    if (list !== null) {
      await stream(list, response)
      return
    }
    if (!isLever(control, name)) {
      reply(response, 404, { error: `no lever "${name}"` })
      return
    }
    const lever = control[name] as (...given: readonly unknown[]) => Promise<unknown>
    reply(response, 200, { value: (await lever(...args)) ?? null })
  } catch (error) {
    reply(response, 422, { error: error instanceof Error ? error.message : String(error) })
  }
}

function listOf(
  control: Control,
  name: string,
  args: readonly unknown[],
): AsyncIterable<unknown> | null {
  const subdomain = String(args[0])
  if (name === 'withdrawnTexts') return control.withdrawnTexts(subdomain)
  if (name !== 'expectedTranscripts') return null
  const filter = args[1] as Omit<OracleFilter, 'from'> & { readonly from: string }
  return control.expectedTranscripts(subdomain, { ...filter, from: new Date(filter.from) })
}

function isLever(control: Control, name: string): name is keyof Control {
  return Object.hasOwn(control, name)
}

async function stream(list: AsyncIterable<unknown>, response: ServerResponse): Promise<void> {
  let lines = ''
  let count = 0
  for await (const row of list) {
    if (count++ === 0) response.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
    lines += `${JSON.stringify(row)}\n`
    if (lines.length < 1 << 16) continue
    if (!response.write(lines)) await once(response, 'drain')
    lines = ''
  }
  if (count === 0) response.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
  response.end(lines)
}

function reply(response: ServerResponse, status: number, body: Record<string, unknown>): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
  })
  response.end(text)
}
