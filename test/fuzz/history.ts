import type { Mutation } from '../../src/simulator/mutation/mutation.ts'
import { groupId, userId, FIRST_END_USER_NUMBER } from '../../src/simulator/world/ids.ts'

/** What happens to an account, to its workspace, and to us, one step after the other. */
export type Step =
  | { readonly kind: 'mutation'; readonly mutation: Mutation; readonly hints: readonly string[] }
  | {
      readonly kind: 'filters'
      readonly includeTags: string[]
      readonly excludeTags: string[]
      readonly includeGroupIds: number[]
    }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'fault'; readonly status: number }
  | { readonly kind: 'lost cursor' }
  | { readonly kind: 'run'; readonly killedAfterMs: number | null }
  | { readonly kind: 'quiet' }

const DAY_MS = 86_400_000
const TAGS = ['billing', 'vip', 'bug', 'spam-wave']
const GROUPS = [groupId(1), groupId(2), groupId(3)]

/** A history of so many steps, the same for the same numbers. It ends with a quiet point. */
export function historyFrom(random: () => number, tickets: number, steps: number): Step[] {
  const draw = drawing(random)
  const history: Step[] = []
  for (let step = 0; step < steps; step++) history.push(stepFrom(draw, tickets))
  return [...history, { kind: 'quiet' }]
}

function stepFrom(draw: Draw, tickets: number): Step {
  const roll = draw.upTo(100)
  if (roll < 62) return mutationFrom(draw, tickets)
  if (roll < 68) {
    return {
      kind: 'filters',
      includeTags: draw.some(TAGS, 0.15),
      excludeTags: draw.some(TAGS, 0.2),
      includeGroupIds: draw.upTo(4) === 0 ? draw.some(GROUPS, 0.6) : [],
    }
  }
  if (roll < 76) return { kind: 'time', ms: draw.of([1_000, 90_000, DAY_MS, 31 * DAY_MS]) }
  if (roll < 80) return { kind: 'fault', status: draw.of([429, 500, 502, 504]) }
  if (roll < 82) return { kind: 'lost cursor' }
  if (roll < 95) return { kind: 'run', killedAfterMs: draw.upTo(2) === 0 ? draw.upTo(60) : null }
  return { kind: 'quiet' }
}

/** Each push may be lost, doubled, or for another ticket. */
function mutationFrom(draw: Draw, tickets: number): Step {
  const mutation = mutate(draw, 1 + draw.upTo(tickets + 4), tickets)
  const type = HINTS[mutation.kind]
  const copies = draw.of([0, 0, 1, 1, 2])
  const hints = type === undefined ? [] : Array.from({ length: copies }, () => type)
  return { kind: 'mutation', mutation, hints }
}

const HINTS: Partial<Record<Mutation['kind'], string>> = {
  add_comment: 'comment_added',
  make_private: 'comment_made_private',
  redact: 'comment_redacted',
  redact_attachment: 'attachment_redacted_from_comment',
  delete: 'soft_deleted',
  delete_permanently: 'permanently_deleted',
  restore: 'undeleted',
  mark_as_spam: 'marked_as_spam',
  set_tags: 'tags_changed',
  set_group: 'group_assignment_changed',
  set_status: 'status_changed',
  merge: 'merged',
  create: 'created',
}

function mutate(draw: Draw, ticketId: number, tickets: number): Mutation {
  const index = draw.upTo(4)
  switch (draw.upTo(18)) {
    case 0:
    case 1:
    case 2:
      return {
        kind: 'add_comment',
        ticketId,
        isPublic: draw.upTo(3) > 0,
        by: draw.of(['customer', 'agent']),
      }
    case 3:
    case 4:
      return { kind: 'make_private', ticketId, index }
    case 5:
      return { kind: 'redact', ticketId, index }
    case 6:
      return { kind: 'redact_attachment', ticketId, index }
    case 7:
      return { kind: 'delete', ticketId }
    case 8:
      return { kind: 'restore', ticketId }
    case 9:
      return { kind: 'delete_permanently', ticketId }
    case 10:
      return { kind: 'mark_as_spam', ticketId }
    case 11:
      return { kind: 'merge', ticketId, into: 1 + draw.upTo(tickets), isPublic: draw.upTo(2) === 0 }
    case 12:
      return {
        kind: 'create',
        isPublic: draw.upTo(3) > 0,
        tags: draw.some(TAGS, 0.3),
        groupId: draw.of([null, ...GROUPS]),
      }
    case 13:
      return { kind: 'set_tags', ticketId, tags: draw.some(TAGS, 0.3) }
    case 14:
      return { kind: 'set_group', ticketId, groupId: draw.of([null, ...GROUPS]) }
    case 15:
      return { kind: 'set_status', ticketId, status: draw.of(['open', 'solved', 'closed']) }
    case 16:
      return {
        kind: 'change_requester',
        ticketId,
        userId: userId(FIRST_END_USER_NUMBER + draw.upTo(20)),
      }
    default:
      return { kind: 'system_update', ticketId }
  }
}

type Draw = ReturnType<typeof drawing>

function drawing(random: () => number) {
  const upTo = (count: number): number => Math.floor(random() * count)
  return {
    upTo,
    of: <T>(list: readonly T[]): T => list[upTo(list.length)] as T,
    some: <T>(list: readonly T[], share: number): T[] => list.filter(() => random() < share),
  }
}
