import type { Transaction } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'
import type { TicketId } from '../../ids.ts'
import { type KnownTicket, readKnownTickets } from '../../ticket/store.ts'
import type { ExportedTicket } from '../../zendesk/types.ts'
import { type Pass, type PassDeps, storeTicketsOnce } from '../store-tickets-once.ts'
import { goneRow } from './row.ts'

/** Tickets to look at, at most `SHOWN_AT_ONCE`, and what is written when all of them are done. */
export interface Look {
  readonly ticketIds: readonly TicketId[]
  readonly complete: (trx: Transaction<Database>, news: ReadonlySet<TicketId>) => Promise<void>
}

/**
 * Makes our rows agree with some tickets, named by their numbers, as Zendesk has them at this moment:
 * one request for all of their rows, one or more for the comments of each that is in scope. A ticket
 * that Zendesk does not have any more is taken back. Returns whether all were looked at.
 */
export async function lookOnce(deps: PassDeps, pass: Pass, look: Look): Promise<boolean> {
  const { ticketIds, complete } = look
  const known = await readKnownTickets(deps.db, pass.integration.id, ticketIds)
  const shown = await showTickets(deps, pass, ticketIds)
  const tickets = ticketIds.flatMap((id) => rowOf(shown.get(id), known.get(id)) ?? [])
  return storeTicketsOnce(deps, pass, { tickets, kind: 'look', complete })
}

/** Zendesk leaves out what it does not have; each of those is asked for by itself, to be sure. */
async function showTickets(
  { zendesk }: PassDeps,
  { account, signal }: Pass,
  ticketIds: readonly TicketId[],
): Promise<ReadonlyMap<TicketId, ExportedTicket>> {
  const rows = await zendesk.showTickets(account, ticketIds, { signal })
  const shown = new Map(rows.map((row) => [row.id, row]))
  for (const id of ticketIds) {
    if (shown.has(id)) continue
    const row = await zendesk.showTicket(account, id, { signal })
    if (row !== null) shown.set(id, row)
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
