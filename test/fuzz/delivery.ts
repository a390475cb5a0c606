import { gzipSync } from 'node:zlib'
import { pick } from '../support/random.ts'
import { rawRequest } from '../support/raw-http.ts'
import { ACCOUNT_ID, eventBody, signedHeaders, timestampAt } from '../support/signed.ts'
import { type Json, mutateEvent } from './event.ts'

/** One request of the fuzz, and what may be answered. */
export interface FuzzedDelivery {
  readonly kind: string
  readonly request: Buffer
  /** Its announced length may be wrong: the connection ends with it, perhaps without an answer. */
  readonly isLast: boolean
  /** Null: any refusal or acceptance will do. */
  readonly status: number | null
  /** The event that this could store. */
  readonly eventId: string
}

export interface Draw {
  readonly random: () => number
  readonly integrationId: string
  readonly eventId: string
  /** Stands where private words would. */
  readonly words: string
}

interface Parts {
  path: string
  method: string
  headers: Record<string, string>
  body: Buffer
  isLast: boolean
  status: number | null
}

type Mutation = (parts: Parts, draw: Draw) => void

/** A whole request, changed in one way; the first of the table is as it should be. */
export function fuzzedDelivery(draw: Draw): FuzzedDelivery {
  const names = Object.keys(MUTATIONS)
  const kind = pick(draw.random, names)
  const body = Buffer.from(eventBody({ id: draw.eventId, words: draw.words, ticketId: 42 }))
  const parts: Parts = {
    path: `/webhooks/zendesk/${draw.integrationId}`,
    method: 'POST',
    headers: signed(body),
    body,
    isLast: false,
    status: null,
  }
  MUTATIONS[kind]?.(parts, draw)
  const { path, method, headers, isLast, status } = parts
  const request = rawRequest(path, headers, parts.body, method)
  return { kind, request, isLast, status, eventId: draw.eventId }
}

const signed = (body: Buffer, options: Parameters<typeof signedHeaders>[1] = {}) => ({
  ...signedHeaders(body, options),
  'content-length': String(body.length),
})

/** Puts another body in, rightly signed. */
function resign(parts: Parts, body: Buffer): void {
  parts.body = body
  parts.headers = signed(body)
}

const SIGNATURE = 'x-zendesk-webhook-signature'
const TIMESTAMP = `${SIGNATURE}-timestamp`

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  none: (parts) => {
    parts.status = 200
  },
  'signature changed': (parts, { random }) => {
    parts.headers[SIGNATURE] = spoil(random, parts.headers[SIGNATURE] ?? '')
    parts.status = 401
  },
  'header left out': (parts, { random }) => {
    const name = pick(random, Object.keys(parts.headers))
    parts.isLast = name === 'content-length'
    parts.status = name === SIGNATURE || name === TIMESTAMP ? 401 : null
    delete parts.headers[name]
  },
  'header changed': (parts, { random }) => {
    const names = Object.keys(parts.headers).filter((name) => name !== 'content-length')
    const name = pick(random, names)
    parts.headers[name] = spoil(random, parts.headers[name] ?? '')
  },
  'header twice': (parts, { random }) => {
    const name = pick(random, [SIGNATURE, TIMESTAMP])
    parts.headers[name.toUpperCase()] = parts.headers[name] ?? ''
    parts.status = 401
  },
  'header of any length': (parts, { random }) => {
    parts.headers['x-padding'] = 'x'.repeat(Math.floor(random() * 30_000))
    parts.isLast = true
  },
  'timestamp far away': (parts, { random }) => {
    const minutes = pick(random, [-1_000_000, -11, 6, 1_000_000])
    const timestamp = timestampAt(Date.now() + minutes * 60_000)
    parts.headers = signed(parts.body, { timestamp })
    parts.status = 401
  },
  'another secret': (parts) => {
    parts.headers = signed(parts.body, { secret: 'dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==' })
    parts.status = 401
  },
  'byte changed': (parts, { random }) => {
    const body = Buffer.from(parts.body)
    const at = Math.floor(random() * body.length)
    body[at] = (body[at] ?? 0) ^ (1 + Math.floor(random() * 254))
    parts.body = body
    parts.status = 401
  },
  'byte changed and signed': (parts, { random }) => {
    const body = Buffer.from(parts.body)
    body[Math.floor(random() * body.length)] = Math.floor(random() * 256)
    resign(parts, body)
  },
  'event changed': (parts, { random }) => {
    const event = JSON.parse(parts.body.toString()) as Json
    resign(parts, Buffer.from(mutateEvent(random, event)))
  },
  'body cut and signed': (parts, { random }) => {
    resign(parts, parts.body.subarray(0, Math.floor(random() * (parts.body.length - 2))))
    parts.status = 400
  },
  'any bytes, signed': (parts, { random }) => {
    const length = Math.floor(random() * 3_000)
    resign(parts, Buffer.from(Array.from({ length }, () => Math.floor(random() * 256))))
  },
  'deep json': (parts, { random }) => {
    const depth = Math.floor(random() * 50_000)
    const [open, close] = pick(random, [
      ['[', ']'],
      ['{"a":', '}'],
      ['{"detail":', '}'],
    ] as const)
    resign(parts, Buffer.from(`${open.repeat(depth)}1${close.repeat(depth)}`))
    parts.status = 400
  },
  'another size': (parts, { random }) => {
    const size = pick(random, [0, 1, 65_536, 1_048_576, 1_048_577, 1_500_000])
    const padded = Buffer.alloc(size, ' ')
    parts.body.copy(padded)
    resign(parts, padded)
    if (size > 1_048_576) parts.status = 413
    else parts.status = size > 10_000 ? 200 : 400
  },
  'another encoding': (parts, { random }) => {
    const text = parts.body.toString()
    const encodings = {
      gzip: () => gzipSync(parts.body),
      utf16: () => Buffer.from(text, 'utf16le'),
      bom: () => Buffer.from(`\uFEFF${text}`),
      invalid: () => Buffer.concat([Buffer.from([0xc3, 0x28, 0xff]), parts.body]),
    }
    resign(parts, encodings[pick(random, ['gzip', 'utf16', 'bom', 'invalid'] as const)]())
    if (random() < 0.5) parts.headers['content-encoding'] = 'gzip'
    parts.status = 400
  },
  chunked: (parts, { random }) => {
    parts.body = chunks(random, parts.body)
    delete parts.headers['content-length']
    parts.headers['transfer-encoding'] = 'chunked'
    parts.status = 200
  },
  'chunked badly': (parts, { random }) => {
    const body = chunks(random, parts.body)
    body[Math.floor(random() * body.length)] = Math.floor(random() * 256)
    parts.body = random() < 0.5 ? body : body.subarray(0, Math.floor(random() * body.length))
    delete parts.headers['content-length']
    parts.headers['transfer-encoding'] = 'chunked'
    parts.isLast = true
  },
  'length wrong': (parts, { random }) => {
    parts.headers['content-length'] = pick(random, ['0', '-1', 'x', '999', '2000000', '9e9', ''])
    parts.isLast = true
  },
  'broken off': (parts, { random }) => {
    parts.body = parts.body.subarray(0, Math.floor(random() * (parts.body.length - 1)))
    parts.isLast = true
  },
  'another address': (parts, { random, integrationId }) => {
    const id = pick(random, [
      '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
      integrationId.slice(1),
      `${integrationId}%00`,
      '%',
      '..%2F..%2Fadmin',
      '__proto__',
      'x'.repeat(5_000),
      "'; drop table hint; --".replaceAll(' ', '%20'),
    ])
    parts.path = `/webhooks/zendesk/${id}`
    parts.status = 404
  },
  'another method': (parts, { random }) => {
    parts.method = pick(random, ['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND'])
    parts.isLast = true
  },
  'another account': (parts, { random, eventId, words }) => {
    const body = Buffer.from(eventBody({ id: eventId, words, accountId: ACCOUNT_ID + 1 }))
    resign(parts, body)
    parts.headers['x-zendesk-account-id'] = String(ACCOUNT_ID + pick(random, [0, 1]))
    parts.status = 400
  },
  'no http': (parts, { random }) => {
    parts.method = pick(random, ['', 'post', 'POST POST', '\0\0', '{"a":1}', 'GET / HTTP/9.9\r\n'])
    parts.isLast = true
  },
}

function chunks(random: () => number, body: Buffer): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < body.length;) {
    const piece = body.subarray(at, at + 1 + Math.floor(random() * 400))
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'))
    at += piece.length
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')])
}

/** Another text than this one. */
function spoil(random: () => number, text: string): string {
  const at = Math.floor(random() * text.length)
  const spoilt = pick(random, [
    '',
    text.slice(0, at),
    text.slice(0, at) + pick(random, ['é', 'A', '\t', '%00', '=']) + text.slice(at + 1),
    text.repeat(2),
    'null',
  ])
  return spoilt.trim() === text ? `${text}=` : spoilt
}
