import { mix, unit } from '../world/hash.ts'
import type { World } from '../world/world.ts'

/**
 * How public and private comments are mixed in a ticket:
 * `public` throughout; `mixed`: public first, some private; `private` throughout; `private_first`:
 * private first, public later; `messaging_live`: the one private comment of a running conversation;
 * `messaging_done`: that comment and a public transcript by the system; `big` and `huge`: mixed and
 * many.
 */
export type TicketKind =
  | 'public'
  | 'mixed'
  | 'private'
  | 'private_first'
  | 'messaging_live'
  | 'messaging_done'
  | 'big'
  | 'huge'

export const BIG_COMMENTS = 250
export const HUGE_COMMENTS = 5000

export function isMessaging(kind: TicketKind): boolean {
  return kind === 'messaging_live' || kind === 'messaging_done'
}

export function isPrivateFromFirst(kind: TicketKind): boolean {
  return kind === 'private' || kind === 'private_first' || isMessaging(kind)
}

/** The kinds without any public comment; their subjects are secret too. */
export function isWhollyPrivate(kind: TicketKind): boolean {
  return kind === 'private' || kind === 'messaging_live'
}

export function kindOf(world: World, index: number, hash: number): TicketKind {
  const { shape } = world
  if (!shape.onePageEach) {
    if (isOneOf(world, shape.hugeTickets, index, 2)) return 'huge'
    if (isOneOf(world, shape.bigTickets, index, 1)) return 'big'
  }
  let roll = unit(mix(hash, 10))
  if (roll < shape.privateFromFirstShare) return roll % 0.01 < 0.005 ? 'private' : 'private_first'
  roll -= shape.privateFromFirstShare
  if (roll < shape.messagingShare)
    return mix(hash, 11) % 4 === 0 ? 'messaging_live' : 'messaging_done'
  roll -= shape.messagingShare
  return roll < shape.privateShare ? 'mixed' : 'public'
}

export function baseCommentCount(
  world: World,
  index: number,
  hash: number,
  kind: TicketKind,
): number {
  if (kind === 'huge') return HUGE_COMMENTS
  if (kind === 'big') return BIG_COMMENTS
  if (isMessaging(kind)) return kind === 'messaging_live' ? 1 : 2
  if (world.shape.commentsEach !== null) return world.shape.commentsEach
  const roll = mix(hash, 12)
  return kind === 'public' ? 1 + (roll % 7) : 2 + (roll % 6)
}

/** Whether a computed comment is public when it is written. */
export function isBornPublic(hash: number, kind: TicketKind, index: number): boolean {
  if (kind === 'public') return true
  if (isWhollyPrivate(kind)) return false
  if (kind === 'messaging_done') return index > 0
  const isFirstPublic = kind === 'private_first' ? index === 1 : index === 0
  return isFirstPublic || (index > 1 && mix(mix(hash, 13), index) % 3 > 0)
}

/** `count` tickets at equal distances; `offset` keeps the two kinds of long tickets apart. */
function isOneOf(world: World, count: number, index: number, offset: number): boolean {
  if (count <= 0) return false
  const distance = Math.max(3, Math.floor(world.size / count))
  return index % distance === Math.min(offset, world.size - 1) && index / distance < count
}
