import { isScrubbedFromTheStart, THIRTY_DAYS } from './deletion.ts'
import { mix, pick, unit } from '../world/hash.ts'
import { AGENTS, FIRST_END_USER_NUMBER, groupId, organizationId, userId } from '../world/ids.ts'
import { baseCommentCount, isMessaging, kindOf } from './kind.ts'
import type { TicketKind } from './kind.ts'
import { EXTRA_TAGS, GROUP_NAMES } from '../text/replies.ts'
import { baseSubject, topicOf } from '../text/words.ts'
import type { World } from '../world/world.ts'
import { generatedAt } from '../world/world.ts'

/** Everything the answers about a ticket are made from, except the comments that are only computed. */
export interface Ticket {
  readonly id: number
  readonly hash: number
  readonly kind: TicketKind
  readonly baseComments: number
  readonly createdAt: number
  readonly lastBaseCommentAt: number
  readonly channel: string
  readonly supportType: 'agent' | 'ai_agent'
  readonly followUpOf: number | null
  updatedAt: number
  generatedAt: number
  status: TicketStatus
  deletion: 'none' | 'deleted' | 'scrubbed'
  requesterId: number
  assigneeId: number | null
  organizationId: number | null
  groupId: number | null
  subject: string
  priority: string | null
  type: string | null
  tags: readonly string[]
  followUpIds: readonly number[]
  edits: ReadonlyMap<number, CommentEdit>
  added: readonly AddedComment[]
}

export type TicketStatus = 'new' | 'open' | 'pending' | 'hold' | 'solved' | 'closed'

/** What happened to a comment after it was written. */
export interface CommentEdit {
  readonly isMadePrivate: boolean
  readonly redactions: readonly string[]
  readonly areAttachmentsRedacted: boolean
}

/** A comment that a mutation wrote, after those that are computed. */
export interface AddedComment {
  readonly authorId: number
  readonly isPublic: boolean
  readonly at: number
  readonly text: string
  readonly hasAttachment: boolean
}

export const NO_EDITS: ReadonlyMap<number, CommentEdit> = new Map()
const NO_COMMENTS: readonly AddedComment[] = []
const NO_IDS: readonly number[] = []

export const CHANNELS = ['email', 'web', 'email', 'api', 'mobile', 'chat', 'voice'] as const

/** Ticket `index + 1` as it is as long as no mutation touches it. */
export function baseTicket(world: World, index: number): Ticket {
  const id = index + 1
  const hash = mix(world.hash, id)
  const kind = kindOf(world, index, hash)
  const generated = generatedAt(world, index)
  const updatedAt = baseUpdatedAt(world, hash, generated)
  const deletion = deletionOf(world, hash, generated)
  const requester = FIRST_END_USER_NUMBER + (mix(hash, 20) % world.endUsers)
  return {
    id,
    hash,
    kind,
    baseComments: baseCommentCount(world, index, hash, kind),
    createdAt: updatedAt - conversationSeconds(hash, kind),
    lastBaseCommentAt: updatedAt,
    channel: isMessaging(kind) ? 'native_messaging' : pick(CHANNELS, mix(hash, 21)),
    supportType: unit(mix(hash, 22)) < world.shape.aiAgentShare ? 'ai_agent' : 'agent',
    followUpOf: null,
    updatedAt,
    generatedAt: generated,
    status: baseStatus(world, hash, updatedAt),
    deletion,
    requesterId: userId(requester),
    assigneeId: mix(hash, 23) % 10 === 0 ? null : userId(2 + (mix(hash, 24) % AGENTS)),
    organizationId: mix(hash, 25) % 3 === 0 ? null : organizationId(1 + (requester % 50)),
    groupId: mix(hash, 26) % 20 === 0 ? null : groupId(1 + (mix(hash, 27) % GROUP_NAMES.length)),
    subject: baseSubject(world, id, hash, kind),
    priority: pick([null, 'low', 'normal', 'high', 'urgent'], mix(hash, 28)),
    type: topicOf(hash).type,
    tags: baseTags(hash),
    followUpIds: NO_IDS,
    edits: NO_EDITS,
    added: NO_COMMENTS,
  }
}

export function deletionOf(world: World, hash: number, generated: number): Ticket['deletion'] {
  if (unit(mix(hash, 29)) >= world.shape.deletedShare) return 'none'
  return isScrubbedFromTheStart(world, hash, generated) ? 'scrubbed' : 'deleted'
}

/** One in twenty was last touched by a system update, and the scrubbed ones by the scrubbing. */
function baseUpdatedAt(world: World, hash: number, generated: number): number {
  const deletion = deletionOf(world, hash, generated)
  if (deletion === 'scrubbed') return generated - THIRTY_DAYS
  if (deletion === 'deleted') return generated
  const roll = mix(hash, 30)
  return roll % 20 === 0 ? generated - 86_400 - (roll % 2_000_000) : generated
}

/** From ten minutes to nine days; the long ones take two months. */
function conversationSeconds(hash: number, kind: TicketKind): number {
  const roll = unit(mix(hash, 31))
  if (kind === 'big' || kind === 'huge') return 5_000_000 + Math.floor(roll * 500_000)
  return 600 + Math.floor(roll * roll * 780_000)
}

function baseStatus(world: World, hash: number, updatedAt: number): TicketStatus {
  const days = (world.startAt - updatedAt) / 86_400
  if (days > 28) return 'closed'
  if (days > 7) return pick(['solved', 'solved', 'closed', 'hold'], mix(hash, 32))
  return pick(['new', 'open', 'open', 'pending', 'solved', 'hold'], mix(hash, 32))
}

function baseTags(hash: number): readonly string[] {
  const roll = mix(hash, 33)
  if (roll % 8 === 0) return []
  const tags = [topicOf(hash).tag]
  if (roll % 3 === 0) tags.push(pick(EXTRA_TAGS, mix(hash, 34)))
  if (roll % 7 === 0) tags.push(pick(EXTRA_TAGS, mix(hash, 35)))
  return [...new Set(tags)].toSorted()
}
