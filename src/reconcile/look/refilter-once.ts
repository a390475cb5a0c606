import { saveAppliedFilters } from '../../integration/store.ts'
import type { TicketId } from '../../ids.ts'
import { assertLease } from '../../run/lease-store.ts'
import { type Move, moveOf } from '../../ticket/sort-out.ts'
import { type KnownTicket, listKnownTickets } from '../../ticket/store.ts'
import { filterOf } from '../../workspace/filter.ts'
import { SHOWN_AT_ONCE } from '../../zendesk/answers/shown-tickets.ts'
import { type Pass, type PassDeps, storeTicketsOnce } from '../store-tickets-once.ts'
import { lookOnce } from './look-once.ts'
import { storedRow } from './row.ts'

/** Rows that are held against the filters at once: no text among them, so many fit. */
const BATCH = 1_000

/**
 * Holds all stored tickets against filters that have changed since this was last done, both ways:
 * what has left the scope is taken back, which costs no request, and what has come into it is looked
 * at and published. The tickets' own rows say what is left to do, so a crash, or the end of a slice,
 * costs another reading of them and nothing else. Returns whether it came to the end.
 */
export async function refilterOnce(deps: PassDeps, pass: Pass): Promise<boolean> {
  const { integration, workspace } = pass
  if (integration.filtersVersion === workspace.filtersVersion) return true
  let after: TicketId | null = null
  for (;;) {
    if (pass.isOver()) return false
    const known: KnownTicket[] = await listKnownTickets(deps.db, integration.id, {
      after,
      limit: BATCH,
    })
    if (!(await refilter(deps, pass, known))) return false
    const last = known.at(-1)
    if (last === undefined) break
    after = last.ticketId
  }
  await deps.db.transaction().execute(async (trx) => {
    await assertLease(trx, pass.lease)
    await saveAppliedFilters(trx, integration.id, workspace.filtersVersion)
  })
  return true
}

async function refilter(
  deps: PassDeps,
  pass: Pass,
  known: readonly KnownTicket[],
): Promise<boolean> {
  const trace = filterOf(pass.workspace.filters)
  const moving = (move: Move) => known.filter((ticket) => moveOf(ticket, trace(ticket)) === move)
  const leaving = moving('leaves')
  const entering = moving('enters').map(({ ticketId }) => ticketId)
  const complete = () => Promise.resolve()
  const tickets = leaving.map(storedRow)
  if (!(await storeTicketsOnce(deps, pass, { tickets, kind: 'look', complete }))) return false
  for (let start = 0; start < entering.length; start += SHOWN_AT_ONCE) {
    const ticketIds = entering.slice(start, start + SHOWN_AT_ONCE)
    if (!(await lookOnce(deps, pass, { ticketIds }))) return false
  }
  return true
}
