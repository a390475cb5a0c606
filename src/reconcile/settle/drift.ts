import { hash } from 'node:crypto'
import type { RunId, TicketId } from '../../ids.ts'
import type { KnownTicket } from '../../ticket/store.ts'
import type { Change } from './decide.ts'

/** Whether a run reads a ticket a second time: the same tickets each time the run comes by them. */
export function isSampled(runId: RunId, ticketId: TicketId, share: number): boolean {
  if (share <= 0) return false
  const drawn = Buffer.from(hash('sha256', `${runId}/${ticketId}`, 'buffer')).readUInt32BE()
  return drawn / 2 ** 32 < share
}

/** Whether two ways of reading a ticket lead to different transcripts, or only one of them to one. */
export function differs(expected: Change, actual: Change, known: KnownTicket | undefined): boolean {
  return contentOf(expected, known) !== contentOf(actual, known)
}

function contentOf(change: Change, known: KnownTicket | undefined): string {
  if (change.kind === 'published') return change.contentHash
  if (change.kind !== 'unchanged') return change.kind
  return known?.transcript?.isLive === true ? known.transcript.contentHash : change.outcome
}

/** Runs whose samples are taken together, and what among them is no accident any more. */
export const DRIFT_RUNS = 20
const DRIFT_LIMIT = 0.001
const LEAST_FOUND = 2

export function isDrifting({ sampled, found }: { sampled: number; found: number }): boolean {
  return found >= LEAST_FOUND && found > sampled * DRIFT_LIMIT
}
