import type { DateTime } from 'luxon'
import type { FilterTrace, Filtered } from '../../workspace/filter.ts'
import type { ExportedTicket, TicketPage } from '../../zendesk/types.ts'
import { type KeptOut, NOTHING_KEPT_OUT } from './tally.ts'

/** What a longer window would bring besides what is stored. */
export interface WindowTally {
  readonly tickets: number
  readonly toFetch: number
  readonly keptOut: KeptOut
  /** Reckoned from the first page of the window; otherwise it was counted. */
  readonly isEstimated: boolean
  /** Tickets of that page which would be fetched. */
  readonly found: readonly ExportedTicket[]
}

export const EMPTY_WINDOW: WindowTally = {
  tickets: 0,
  toFetch: 0,
  keptOut: NOTHING_KEPT_OUT,
  isEstimated: false,
  found: [],
}

/**
 * Reckons from the page of the export at the start of a window what stands there before the stored
 * part begins: exactly if the page reaches that far, else as if the rest were as dense and of the
 * same kind.
 */
export function tallyWindow(
  page: TicketPage,
  { from, until }: { readonly from: DateTime; readonly until: DateTime },
  trace: (ticket: Filtered) => FilterTrace,
): WindowTally {
  const rows = [...new Map(page.tickets.map((row) => [row.id, row])).values()]
  const standing = rows.filter((row) => row.generatedAt < until && !isDeleted(row))
  const found = standing.filter((row) => trace(row).inScope && row.isPublic !== false)
  const isWhole = page.endOfStream || rows.some((row) => row.generatedAt >= until)
  const factor = isWhole ? 1 : spanMs(from, until) / spanMs(from, newestOf(rows, from))
  const scaled = (count: number): number => Math.round(count * factor)
  const keptOut = { ...NOTHING_KEPT_OUT }
  for (const row of standing) {
    const { rule } = trace(row)
    if (rule !== null) keptOut[rule] += 1
  }
  return {
    tickets: scaled(standing.length),
    toFetch: scaled(found.length),
    keptOut: {
      include_tags: scaled(keptOut.include_tags),
      exclude_tags: scaled(keptOut.exclude_tags),
      include_group_ids: scaled(keptOut.include_group_ids),
    },
    isEstimated: !isWhole,
    found,
  }
}

export function isDeleted({ status }: ExportedTicket): boolean {
  return status.toLowerCase() === 'deleted'
}

function newestOf(rows: readonly ExportedTicket[], from: DateTime): DateTime {
  return rows.reduce((newest, row) => (row.generatedAt > newest ? row.generatedAt : newest), from)
}

/** The export counts in seconds. */
function spanMs(from: DateTime, until: DateTime): number {
  return Math.max(1_000, until.toMillis() - from.toMillis())
}
