import { createHmac } from 'node:crypto'

/** Signs the test deliveries of webhooks that are not saved yet; public, so nobody may accept it. */
export const TEST_SECRET = 'dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=='

/** The key is the secret as it is written, not what its base64 stands for. */
export function signature(secret: string, timestamp: string, body: string): string {
  return createHmac('sha256', secret)
    .update(timestamp + body)
    .digest('base64')
}

/** Zendesk's own layout: three spaces, sorted keys, `{ }` for nothing, a line break at the end. */
export function prettyJson(value: unknown): string {
  return `${layOut(value, '')}\n`
}

function layOut(value: unknown, indent: string): string {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = `${indent}   `
  const rows = Array.isArray(value)
    ? value.map((item) => `${inner}${layOut(item, inner)}`)
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .toSorted(([left], [right]) => (left < right ? -1 : 1))
        .map(([key, item]) => `${inner}${JSON.stringify(key)}: ${layOut(item, inner)}`)
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  return rows.length === 0 ? `${open} ${close}` : `${open}\n${rows.join(',\n')}\n${indent}${close}`
}
