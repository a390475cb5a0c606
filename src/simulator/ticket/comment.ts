import { mix } from '../world/hash.ts'
import { AGENTS, commentId, FIRST_END_USER_NUMBER, SYSTEM_AUTHOR, userId } from '../world/ids.ts'
import { isBornPublic, isMessaging, isPrivateFromFirst } from './kind.ts'
import type { CommentEdit, Ticket } from './ticket.ts'
import { privateToken, publicToken } from '../world/tokens.ts'
import type { World } from '../world/world.ts'

/** What is true of a comment now, without its text. */
export interface Comment {
  readonly id: number
  readonly index: number
  readonly authorId: number
  /** Whether it was written in public; its token says so for ever. */
  readonly isBornPublic: boolean
  readonly isPublic: boolean
  readonly at: number
  readonly token: string
  readonly edit: CommentEdit | null
}

export function commentCount(ticket: Ticket): number {
  return ticket.baseComments + ticket.added.length
}

export function commentOf(world: World, ticket: Ticket, index: number): Comment {
  const added = ticket.added[index - ticket.baseComments]
  const edit = ticket.edits.get(index) ?? null
  const bornPublic = added?.isPublic ?? isBornPublic(ticket.hash, ticket.kind, index)
  const makeToken = bornPublic ? publicToken : privateToken
  return {
    id: commentId(ticket.id, index),
    index,
    authorId: added?.authorId ?? baseAuthor(world, ticket, index, bornPublic),
    isBornPublic: bornPublic,
    isPublic: bornPublic && edit?.isMadePrivate !== true,
    at: added?.at ?? baseTime(ticket, index),
    token: makeToken(world.hash, ticket.id, index),
    edit,
  }
}

/** Whether any comment is public now; mostly the first one answers. */
export function hasPublicComment(world: World, ticket: Ticket): boolean {
  for (let index = 0; index < commentCount(ticket); index++) {
    if (commentOf(world, ticket, index).isPublic) return true
  }
  return false
}

function baseAuthor(world: World, ticket: Ticket, index: number, isPublic: boolean): number {
  if (isMessaging(ticket.kind) || (ticket.channel === 'chat' && index === 0)) return SYSTEM_AUTHOR
  const hash = mix(mix(ticket.hash, 50), index)
  const agent = userId(2 + (hash % AGENTS))
  if (!isPublic) return agent
  if (isPrivateFromFirst(ticket.kind)) return index % 2 === 0 ? agent : baseRequester(world, ticket)
  if (index % 2 === 1) return ticket.assigneeId ?? agent
  // Some threads have a second customer in copy who answers as well.
  return index > 1 && hash % 11 === 0 ? copiedCustomer(world, hash) : baseRequester(world, ticket)
}

/** Who asked first; a ticket that gets another requester keeps the authors of its comments. */
function baseRequester(world: World, ticket: Ticket): number {
  return userId(FIRST_END_USER_NUMBER + (mix(ticket.hash, 20) % world.endUsers))
}

function copiedCustomer(world: World, hash: number): number {
  return userId(FIRST_END_USER_NUMBER + (mix(hash, 51) % world.endUsers))
}

/** Comments are spread evenly from the creation of the ticket to its last update. */
export function baseTime(ticket: Ticket, index: number): number {
  if (ticket.baseComments === 1) return ticket.createdAt
  const seconds = ticket.lastBaseCommentAt - ticket.createdAt
  return ticket.createdAt + Math.floor((seconds * index) / (ticket.baseComments - 1))
}
