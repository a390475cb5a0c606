import { mix, pick } from '../world/hash.ts'
import { isMessaging, isWhollyPrivate } from '../ticket/kind.ts'
import type { TicketKind } from '../ticket/kind.ts'
import { privateToken, SUBJECT_INDEX } from '../world/tokens.ts'
import { DETAILS, PRODUCTS, TOPICS } from './topics.ts'
import type { Topic } from './topics.ts'
import type { World } from '../world/world.ts'

export function topicOf(hash: number): Topic {
  return pick(TOPICS, mix(hash, 40))
}

/** One ticket talks about one product and one circumstance from its subject to its last comment. */
export function fill(template: string, hash: number): string {
  if (!template.includes('{')) return template
  return template
    .replace('{product}', pick(PRODUCTS, mix(hash, 41)))
    .replace('{detail}', pick(DETAILS, mix(hash, 42)))
}

/**
 * The subject of a ticket without a public comment is as private as its comments and carries a
 * token; one that was private only at first is published later, so its subject is clean.
 */
export function baseSubject(world: World, id: number, hash: number, kind: TicketKind): string {
  const subject = isMessaging(kind)
    ? `Conversation with Web User ${hash.toString(16)}`
    : fill(pick(topicOf(hash).subjects, mix(hash, 43)), hash)
  if (!isWhollyPrivate(kind)) return subject
  return `${subject} ${privateToken(world.hash, id, SUBJECT_INDEX)}`
}
