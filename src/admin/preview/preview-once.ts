import type { Kysely } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'
import type { TicketId } from '../../ids.ts'
import type { Integration } from '../../integration/integration.ts'
import { TicketUnreadableError } from '../../platform/errors.ts'
import { buildTranscript } from '../../transcript/build-transcript.ts'
import { type Filters, filterOf } from '../../workspace/filter.ts'
import type { Workspace } from '../../workspace/workspace.ts'
import { readPace } from '../../zendesk/budget/limit-store.ts'
import type { ZendeskClient } from '../../zendesk/client.ts'
import type { ExportedTicket, ZendeskAccount } from '../../zendesk/types.ts'
import { costOfFetching, costOfWindow } from './cost.ts'
import type { Preview, PreviewBody, PreviewedWindow, Sample } from './preview-json.ts'
import { listTicketFacts, readStoredFrom } from './preview-store.ts'
import { EMPTY_TALLY, type Tally, addToTally } from './tally.ts'
import { EMPTY_WINDOW, isDeleted, tallyWindow } from './window.ts'

export interface PreviewDeps {
  readonly db: Kysely<Database>
  readonly zendesk: ZendeskClient
  readonly quotaShare: number
}

/** Rows without text, read at once; a million of them are two hundred such pages. */
const BATCH = 5_000
const SAMPLES = 3
const PAGE_SIZE = 1_000

type Trace = ReturnType<typeof filterOf>

/**
 * Says what filters or a window would do, before anybody sets them: counts by our own rows, one page of
 * the export where the window is longer than what is stored, and a few conversations read on the
 * spot. Nothing is stored but how many requests that took, which go out under the budget like all.
 */
export async function previewOnce(
  deps: PreviewDeps,
  { integration, workspace }: { integration: Integration; workspace: Workspace },
  body: PreviewBody,
  signal: AbortSignal,
): Promise<Preview> {
  const { db, zendesk, quotaShare } = deps
  const account: ZendeskAccount = {
    integrationId: integration.id,
    subdomain: integration.subdomain,
    quotaShare: workspace.quotaShare ?? quotaShare,
    userId: integration.zendeskUserId,
  }
  const filters = filtersFor(workspace.filters, body)
  const trace = filterOf(filters)
  try {
    const tally = await tallyStored(db, integration, trace, signal)
    const window = await lookAhead(deps, account, { days: body.days, trace, signal })
    const transcripts = await readSamples(deps, account, { tally, window, trace, signal })
    const pace = await readPace(db, account)
    const requests = costOfFetching(tally.toFetch)
    return { filters, tally, requests, window, pace, transcripts }
  } finally {
    await zendesk.storeRequestCounts(integration.id)
  }
}

function filtersFor(current: Filters, body: PreviewBody): Filters {
  return {
    includeTags: body.zendesk_include_tags ?? current.includeTags,
    excludeTags: body.zendesk_exclude_tags ?? current.excludeTags,
    includeGroupIds: body.zendesk_include_group_ids ?? current.includeGroupIds,
  }
}

async function tallyStored(
  db: Kysely<Database>,
  { id }: Integration,
  trace: Trace,
  signal: AbortSignal,
): Promise<Tally> {
  let tally = EMPTY_TALLY
  let after = 0
  for (;;) {
    signal.throwIfAborted()
    const tickets = await listTicketFacts(db, id, { after, limit: BATCH })
    tally = addToTally(tally, tickets, trace)
    const last = tickets.at(-1)
    if (last === undefined || tickets.length < BATCH) return tally
    after = last.ticketId
  }
}

/** The part of a window that lies before what is stored; null if none was asked for. */
async function lookAhead(
  { db, zendesk }: PreviewDeps,
  account: ZendeskAccount,
  wish: { days: number | undefined; trace: Trace; signal: AbortSignal },
): Promise<PreviewedWindow | null> {
  const { days, trace, signal } = wish
  if (days === undefined) return null
  const now = DateTime.utc()
  const from = now.minus({ days })
  const storedFrom = (await readStoredFrom(db, account.integrationId)) ?? now
  const span = { days, from, storedFrom }
  if (from >= storedFrom) return { ...EMPTY_WINDOW, ...span, requests: costOfFetching(0) }
  const position = { startAt: from.toJSDate() }
  const page = await zendesk.exportTickets(account, position, { pageSize: PAGE_SIZE, signal })
  const tally = tallyWindow(page, { from, until: storedFrom }, trace)
  return { ...tally, ...span, requests: costOfWindow(tally) }
}

/** Tickets that would be fetched, or else such as are published. */
async function readSamples(
  deps: PreviewDeps,
  account: ZendeskAccount,
  among: { tally: Tally; window: PreviewedWindow | null; trace: Trace; signal: AbortSignal },
): Promise<Sample[]> {
  const { tally, window, trace, signal } = among
  const show = async (ids: readonly TicketId[]): Promise<ExportedTicket[]> =>
    ids.length === 0 ? [] : deps.zendesk.showTickets(account, ids, { signal })
  const toFetch = [...(await show(tally.entering)).toReversed(), ...(window?.found ?? [])]
  const tickets = toFetch.length > 0 ? toFetch : await show(tally.staying)
  const readable = tickets.filter(
    (ticket) => !isDeleted(ticket) && ticket.isPublic !== false && trace(ticket).inScope,
  )
  const samples: Sample[] = []
  for (let start = 0; start < Math.min(readable.length, 2 * SAMPLES); start += SAMPLES) {
    const some = readable.slice(start, start + SAMPLES)
    const read = await Promise.all(some.map((ticket) => readSample(deps, account, ticket, signal)))
    samples.push(...read.flatMap((sample) => sample ?? []))
    if (samples.length >= SAMPLES) break
  }
  return samples.slice(0, SAMPLES)
}

/** Undefined for a ticket that has nothing to show. */
async function readSample(
  { zendesk }: PreviewDeps,
  account: ZendeskAccount,
  ticket: ExportedTicket,
  signal: AbortSignal,
): Promise<Sample | undefined> {
  try {
    const read = await zendesk.listComments(account, ticket.id, { signal })
    if (read === null || read.comments.length === 0) return undefined
    const transcript = buildTranscript(ticket, read)
    return { subdomain: account.subdomain, ticketId: ticket.id, transcript }
  } catch (error) {
    if (error instanceof TicketUnreadableError) return undefined
    throw error
  }
}
