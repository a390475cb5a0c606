import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { ExecutionContext } from 'ava'

/** A secret as SINK_SECRET has it. */
export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

export interface Received {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly webhookId: string
  readonly transcriptId: string
  readonly revision: number
}

type Respond = (received: Received, response: ServerResponse) => unknown

/** A receiver of publications on loopback. It notes each request before `respond` answers it. */
export async function aReceiver(
  t: ExecutionContext,
  respond: Respond,
): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const ended = noted(request).then((one) => {
      received.push(one)
      return respond(one, response)
    })
    // Whoever means another server that had this port before.
    ended.catch(() => response.writeHead(404).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/in?from=zendesk`, received }
}

export function answer(status: number, headers: Record<string, string> = {}): Respond {
  return (_, response) => response.writeHead(status, headers).end()
}

async function noted(request: IncomingMessage): Promise<Received> {
  const body = await text(request)
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  )
  const { transcript } = JSON.parse(body)
  return {
    method: request.method,
    path: request.url,
    headers,
    body,
    webhookId: headers['webhook-id'] ?? '',
    transcriptId: transcript.id,
    revision: transcript.revision,
  }
}
