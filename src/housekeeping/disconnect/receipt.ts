import { createHash } from 'node:crypto'
import type { LiveHead } from '../../transcript/retract-store.ts'

/**
 * Goes on with the hash of a receipt: of each transcript that is erased, one after the other in the
 * order of their tickets, its name, its last revision with text and the hash of that. Whoever has read
 * the feed can reckon it up, and it does not depend on how the work was cut into batches.
 */
export function chainHash(hash: string, subdomain: string, heads: readonly LiveHead[]): string {
  return heads.reduce((before, { ticketId, revision, contentHash }) => {
    const line = `${before}\nzendesk:${subdomain}:${ticketId} ${revision} ${contentHash}`
    return `sha256:${createHash('sha256').update(line).digest('hex')}`
  }, hash)
}
