import type { TicketOutcome } from '../../../db/schema.ts'
import type { TicketId } from '../../ids.ts'
import { moveOf } from '../../ticket/sort-out.ts'
import type { FilterRule, FilterTrace, Filtered } from '../../workspace/filter.ts'

/** A stored ticket, as far as filters and their consequences are concerned. */
export interface StoredTicketFacts extends Filtered {
  readonly ticketId: TicketId
  readonly outcome: TicketOutcome
  readonly isLive: boolean
}

export type KeptOut = Readonly<Record<FilterRule, number>>

export const NOTHING_KEPT_OUT: KeptOut = { include_tags: 0, exclude_tags: 0, include_group_ids: 0 }

/** What filters would do to the tickets that are stored. */
export interface Tally {
  /** Those that Zendesk still has, as far as we know. */
  readonly known: number
  readonly toFetch: number
  readonly toRetract: number
  readonly keptOut: KeptOut
  /** The newest of those that would be fetched, and of those whose transcript would stay. */
  readonly entering: readonly TicketId[]
  readonly staying: readonly TicketId[]
}

export const EMPTY_TALLY: Tally = {
  known: 0,
  toFetch: 0,
  toRetract: 0,
  keptOut: NOTHING_KEPT_OUT,
  entering: [],
  staying: [],
}

/** Some more than are shown: not every ticket has a public comment. */
const CANDIDATES = 6

/** Adds tickets, which come in the order of their numbers. */
export function addToTally(
  tally: Tally,
  tickets: readonly StoredTicketFacts[],
  trace: (ticket: Filtered) => FilterTrace,
): Tally {
  const keptOut = { ...tally.keptOut }
  const entering: TicketId[] = []
  const staying: TicketId[] = []
  let known = 0
  let toRetract = 0
  for (const ticket of tickets) {
    if (ticket.outcome === 'gone') continue
    known += 1
    const traced = trace(ticket)
    if (traced.rule !== null) keptOut[traced.rule] += 1
    if (moveOf(ticket, traced) === 'enters') entering.push(ticket.ticketId)
    if (ticket.isLive && traced.inScope) staying.push(ticket.ticketId)
    if (ticket.isLive && !traced.inScope) toRetract += 1
  }
  return {
    known: tally.known + known,
    toFetch: tally.toFetch + entering.length,
    toRetract: tally.toRetract + toRetract,
    keptOut,
    entering: [...tally.entering, ...entering].slice(-CANDIDATES),
    staying: [...tally.staying, ...staying].slice(-CANDIDATES),
  }
}
