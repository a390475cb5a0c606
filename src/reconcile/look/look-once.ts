import type { Transaction } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'
import type { TicketId } from '../../ids.ts'
import { type KnownTicket, readKnownTickets } from '../../ticket/store.ts'
import type { ExportedTicket } from '../../zendesk/types.ts'
import { type Batch, type Pass, type PassDeps, storeTicketsOnce } from '../store-tickets-once.ts'
import { goneRow } from './row.ts'

/** Tickets to look at, at most `SHOWN_AT_ONCE`. */
export interface Look {
  readonly ticketIds: readonly TicketId[]
  /** Written with each group of them that is done, whether or not there are rows of all. */
  readonly settle?: (
    trx: Transaction<Database>,
    ticketIds: readonly TicketId[],
    news: ReadonlySet<TicketId>,
  ) => Promise<void>
}

/** So many are done whatever the limit of the account, before a slice or the patience of a job ends. */
const GROUP = 10

/**
 * Makes our rows agree with some tickets, named by their numbers, as Zendesk has them at this moment:
 * one request for all of their rows, one or more for the comments of each that is in scope. A ticket
 * that Zendesk does not have any more is taken back. They are done in groups, the first ones first, so
 * that each pass comes further than the one before it. Returns whether all were looked at.
 */
export async function lookOnce(deps: PassDeps, pass: Pass, look: Look): Promise<boolean> {
  const { ticketIds, settle } = look
  const { account, signal } = pass
  const known = await readKnownTickets(deps.db, pass.integration.id, ticketIds)
  const rows = await deps.zendesk.showTickets(account, ticketIds, { signal })
  const listed = new Map(rows.map((row) => [row.id, row]))
  for (let start = 0; start < ticketIds.length; start += GROUP) {
    if (start > 0 && pass.isOver()) return false
    const group = ticketIds.slice(start, start + GROUP)
    const shown = await showUnlisted(deps, pass, group, listed)
    const tickets = group.flatMap((id) => rowOf(shown.get(id), known.get(id)) ?? [])
    const complete: Batch['complete'] = async (trx, news) => settle?.(trx, group, news)
    if (!(await storeTicketsOnce(deps, pass, { tickets, kind: 'look', complete }))) return false
  }
  return true
}

/** Zendesk leaves out what it does not have; each of those is asked for by itself, to be sure. */
async function showUnlisted(
  { zendesk }: PassDeps,
  { account, signal }: Pass,
  group: readonly TicketId[],
  listed: ReadonlyMap<TicketId, ExportedTicket>,
): Promise<ReadonlyMap<TicketId, ExportedTicket>> {
  const asked = await Promise.allSettled(
    group.map(async (id) => listed.get(id) ?? zendesk.showTicket(account, id, { signal })),
  )
  const shown = new Map<TicketId, ExportedTicket>()
  for (const answer of asked) {
    if (answer.status === 'rejected') throw answer.reason
    if (answer.value !== null) shown.set(answer.value.id, answer.value)
  }
  return shown
}

/** An instant of the export that we have seen is not taken back by a row that does not know it. */
function rowOf(
  shown: ExportedTicket | undefined,
  known: KnownTicket | undefined,
): ExportedTicket | undefined {
  if (shown === undefined) return known && goneRow(known)
  if (known === undefined) return shown
  return { ...shown, generatedAt: DateTime.max(shown.generatedAt, known.generatedAt) }
}
