import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerRequest } from './answer-request.ts'
import { answerControl } from '../control/routes.ts'
import type { State } from '../state.ts'

/** Largest body that the simulator reads; Zendesk's own limit is lower. */
const MAX_BODY_BYTES = 4 << 20

export interface Listening {
  readonly server: Server
  readonly port: number
}

export async function listen(state: State, port: number): Promise<Listening> {
  const server = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
    void serve(state, request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return { server, port: (server.address() as AddressInfo).port }
}

async function serve(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const hasBody = request.method !== 'GET' && request.method !== 'HEAD'
    const body = hasBody ? await readBody(request) : ''
    if (request.url?.startsWith('/_control/') === true) {
      await answerControl(state, request, body, response)
      return
    }
    const done = answerRequest(state, request, body, response)
    if (done !== undefined) await done
  } catch (error) {
    // A bug of the simulator must not look like a fault of Zendesk.
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    if (!response.headersSent) response.writeHead(500, { 'Content-Type': 'text/plain' })
    response.end(`simulator failure: ${message}`)
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new RangeError('the request body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
