import { readTurns } from '../../transcript/store.ts'
import type { TicketId } from '../../ids.ts'
import type { KnownTicket } from '../../ticket/store.ts'
import { USERS_AT_ONCE } from '../../zendesk/answers/authors.ts'
import type { ExportedTicket, PublicComment, TicketComments } from '../../zendesk/types.ts'
import type { Pass, PassDeps } from '../store-tickets-once.ts'
import { readAuthors, saveAuthors } from './author-store.ts'
import { asRead, authorsOf, commentsOf, newEvents } from './history.ts'
import type { StagedEvent } from './staged.ts'
import { readStaged } from './store.ts'

/**
 * The conversations of those tickets whose rows the staged events explain, as the comments endpoint
 * would tell them. Costs requests only for authors whose side is not known yet.
 */
export async function historiesOnce(
  deps: PassDeps,
  pass: Pass,
  tickets: readonly ExportedTicket[],
  known: ReadonlyMap<TicketId, KnownTicket>,
): Promise<ReadonlyMap<TicketId, TicketComments>> {
  if (tickets.length === 0) return new Map()
  const ids = tickets.map((ticket) => ticket.id)
  const staged = await readStaged(deps.db, pass.integration.id, ids)
  const explained = tickets.flatMap((ticket): Explained[] => {
    const fresh = newEvents(ticket, known.get(ticket.id), staged.get(ticket.id) ?? [])
    return fresh === undefined ? [] : [{ id: ticket.id, fresh }]
  })
  const comments = await gatherComments(deps, pass, explained, known)
  const authors = authorsOf([...comments.values()].flat())
  const staff = await staffOnce(deps, pass, authors)
  return new Map([...comments].map(([id, said]) => [id, asRead(said, staff)]))
}

interface Explained {
  readonly id: TicketId
  readonly fresh: readonly StagedEvent[]
}

async function gatherComments(
  { db }: PassDeps,
  { integration }: Pass,
  explained: readonly Explained[],
  known: ReadonlyMap<TicketId, KnownTicket>,
): Promise<ReadonlyMap<TicketId, readonly PublicComment[]>> {
  const published = explained.filter(({ id }) => known.get(id)?.outcome === 'published')
  const turns = await readTurns(
    db,
    integration.id,
    published.map(({ id }) => id),
  )
  return new Map(explained.map(({ id, fresh }) => [id, commentsOf(turns.get(id) ?? [], fresh)]))
}

async function staffOnce(
  { db, zendesk }: PassDeps,
  { account, integration, signal }: Pass,
  authors: readonly number[],
): Promise<ReadonlySet<number>> {
  const sides = await readAuthors(db, integration.id, authors)
  const unknown = authors.filter((id) => !sides.has(id))
  const asked: number[][] = []
  for (let start = 0; start < unknown.length; start += USERS_AT_ONCE) {
    asked.push(unknown.slice(start, start + USERS_AT_ONCE))
  }
  const told = await Promise.all(asked.map((ids) => zendesk.showStaff(account, ids, { signal })))
  const staff = new Set(told.flatMap((ids) => [...ids]))
  const learnt = new Map(unknown.map((id) => [id, staff.has(id)]))
  await db.transaction().execute((trx) => saveAuthors(trx, integration.id, learnt))
  for (const [id, isStaff] of [...sides, ...learnt]) if (isStaff) staff.add(id)
  return staff
}
