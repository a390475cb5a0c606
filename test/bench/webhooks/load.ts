import { randomUUID } from 'node:crypto'
import { type Socket, connect } from 'node:net'
import {
  SIGNING_SECRET,
  eventBody,
  signatureOf,
  signedHeaders,
  timestampAt,
} from '../../support/signed.ts'

/**
 * Sends signed deliveries over a number of connections, the next when the last is answered, and tells
 * how long they took. All are signed before the first is sent, and the answers are only scanned, so
 * that what is measured is the receiver. Argument: the options as JSON. Output: the load as JSON.
 */
export interface LoadOptions {
  readonly port: number
  readonly integrationId: string
  readonly connections: number
  readonly warmUpMs: number
  readonly measureMs: number
  readonly most: number
}

export interface Load {
  readonly accepted: number
  readonly refused: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
  /** Accepted in all, warming up and slowing down included. */
  readonly total: number
}

const options = JSON.parse(process.argv[2] ?? '') as LoadOptions
const timestamp = timestampAt(Date.now())
const ids = Array.from({ length: options.most }, () => randomUUID())
const [beforeId = '', afterId = ''] = eventBody({ id: '{id}' }).split('{id}')
const signatures = ids.map((id) => signatureOf(SIGNING_SECRET, timestamp, bodyOf(id)))
const head = headOf(bodyOf(ids[0] ?? '').length)
const latencies: number[] = []
let next = 0
let total = 0
let refused = 0
const startedAt = performance.now()
const measureFrom = startedAt + options.warmUpMs
const measureTo = measureFrom + options.measureMs
await Promise.all(Array.from({ length: options.connections }, sendUntilEnd))
latencies.sort((a, b) => a - b)
const seconds = (Math.min(performance.now(), measureTo) - measureFrom) / 1000
const load: Load = {
  accepted: latencies.length,
  refused,
  seconds,
  p50: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
  p99: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  total,
}
process.stdout.write(`${JSON.stringify(load)}\n`)

async function sendUntilEnd(): Promise<void> {
  const socket = connect(options.port, '127.0.0.1').setNoDelay(true)
  const answers = answersOf(socket)
  while (performance.now() < measureTo && next < ids.length) {
    const at = performance.now()
    socket.write(requestOf(next++), 'latin1')
    const status = await answers()
    const now = performance.now()
    if (status === '200') total += 1
    else refused += 1
    if (status === '200' && at >= measureFrom && now <= measureTo) latencies.push(now - at)
  }
  socket.destroy()
}

function requestOf(index: number): string {
  return `${head}${signatures[index]}\r\n\r\n${bodyOf(ids[index] ?? '')}`
}

function bodyOf(id: string): string {
  return beforeId + id + afterId
}

/** Everything before the signature. */
function headOf(length: number): string {
  const { 'x-zendesk-webhook-signature': _, ...headers } = signedHeaders('', { timestamp })
  const lines = Object.entries({ host: '127.0.0.1', 'content-length': length, ...headers })
  const path = `/webhooks/zendesk/${options.integrationId}`
  return [
    `POST ${path} HTTP/1.1`,
    ...lines.map(([name, value]) => `${name}: ${value}`),
    'x-zendesk-webhook-signature: ',
  ].join('\r\n')
}

/** The status of the next answer; each fits into a piece that the socket gives. */
function answersOf(socket: Socket): () => Promise<string> {
  let waiting: ((status: string) => void) | undefined
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => waiting?.(text.slice(9, 12)))
  socket.on('error', () => waiting?.('none'))
  return () =>
    new Promise((resolve) => {
      waiting = resolve
    })
}
