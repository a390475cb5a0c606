import type { DateTime } from 'luxon'
import { z } from 'zod'
import { toPublishedTranscript } from '../../outbox/publication.ts'
import type { PublishedRevision } from '../../outbox/entry.ts'
import type { Filters } from '../../workspace/filter.ts'
import { WorkspaceBody } from '../workspace-json.ts'
import { type Requests, addRequests, minutesOf } from './cost.ts'
import type { Tally } from './tally.ts'
import type { WindowTally } from './window.ts'

/** What is absent is taken from the workspace. */
export const PreviewBody = WorkspaceBody.pick({
  zendesk_include_tags: true,
  zendesk_exclude_tags: true,
  zendesk_include_group_ids: true,
}).extend({
  days: z.int('expected a whole number from 1 to 3650').min(1).max(3650).optional(),
})
export type PreviewBody = z.infer<typeof PreviewBody>

export interface Preview {
  readonly filters: Filters
  readonly tally: Tally
  readonly requests: Requests
  readonly window: PreviewedWindow | null
  /** Requests a minute of our share. */
  readonly pace: { readonly account: number; readonly incremental: number }
  readonly transcripts: readonly Sample[]
}

export interface PreviewedWindow extends WindowTally {
  readonly days: number
  readonly from: DateTime
  readonly storedFrom: DateTime
  readonly requests: Requests
}

/** A transcript as it would be published. */
export type Sample = Pick<PublishedRevision, 'subdomain' | 'ticketId' | 'transcript'>

/**
 * What filters or a window would do. `tickets_known` are the stored tickets that Zendesk still has;
 * `to_fetch` of them come into scope, `to_retract` transcripts leave it, by reason; `kept_out` counts
 * the stored tickets that each rule keeps out, each ticket by the first rule that does. `window` is
 * what the `days` asked for hold beyond what is stored (`stored_from`), null where no days are asked
 * for; it is counted, or, where `estimated`, reckoned from the density of its first rows. `requests`
 * and `minutes` are of both together, with one request for the comments of each ticket, at the limits
 * and the share of now. `transcripts` are up to three of those to be fetched, the newest stored ones
 * first, or of the published ones if none is to be fetched.
 */
export function previewJson({ filters, tally, requests, window, pace, transcripts }: Preview) {
  const all = window === null ? requests : addRequests(requests, window.requests)
  return {
    zendesk_include_tags: filters.includeTags,
    zendesk_exclude_tags: filters.excludeTags,
    zendesk_include_group_ids: filters.includeGroupIds,
    tickets_known: tally.known,
    to_fetch: tally.toFetch,
    to_retract: { filtered: tally.toRetract },
    kept_out: tally.keptOut,
    window: window === null ? null : windowJson(window, pace),
    requests: all,
    minutes: minutesOf(all, pace),
    transcripts: transcripts.map(sampleJson),
  }
}

function windowJson(window: PreviewedWindow, pace: Preview['pace']) {
  const { days, from, storedFrom, tickets, toFetch, keptOut, isEstimated, requests } = window
  return {
    days,
    from: from.toISO(),
    stored_from: storedFrom.toISO(),
    tickets,
    to_fetch: toFetch,
    kept_out: keptOut,
    estimated: isEstimated,
    requests,
    minutes: minutesOf(requests, pace),
  }
}

/** What has not been published has no revision. */
function sampleJson(sample: Sample) {
  const published = toPublishedTranscript({ ...sample, revision: 0, contentHash: '' })
  const { id, ticket, turns, text } = published
  return { id, ticket, turns, text }
}
