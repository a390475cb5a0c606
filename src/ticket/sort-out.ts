import type { TicketOutcome } from '../../db/schema.ts'
import type { FilterTrace, Filtered } from '../workspace/filter.ts'

/** A stored ticket whose outcome is not what the filters say. */
export type Move = 'enters' | 'leaves'

/** Whether filters move a ticket. One that is gone is gone under any filters. */
export function moveOf(
  ticket: Filtered & { readonly outcome: TicketOutcome },
  { inScope }: FilterTrace,
): Move | null {
  if (ticket.outcome === 'gone') return null
  if (ticket.outcome === 'filtered') return inScope ? 'enters' : null
  return inScope ? null : 'leaves'
}
