import { z } from 'zod'
import { SinkId } from '../../ids.ts'
import type { PendingReplay } from '../../outbox/delivery/replay-store.ts'
import { ENVIRONMENT_SINK, type Sink, type SinkChange } from '../../outbox/sink/terms.ts'
import { WebhookSecret } from '../../platform/config/secrets.ts'

const LONGEST_URL = 2_000
const LONGEST_SECRET = 200

const SinkUrl = z
  .string()
  .max(LONGEST_URL, `expected at most ${LONGEST_URL} characters`)
  .superRefine((text, context) => {
    const problem = urlProblem(text)
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })

/** Whoever reads the settings reads the address: what opens a receiver belongs into the signature. */
function urlProblem(text: string): string | undefined {
  // Whoever parses an address drops some of these, and Postgres takes no NUL.
  if (/[\s\p{Cc}\p{Cs}]/u.test(text)) return 'expected no spaces and no control characters'
  if (!URL.canParse(text)) return 'expected an http:// or https:// address'
  const url = new URL(text)
  if (!/^https?:$/.test(url.protocol)) return 'expected an http:// or https:// address'
  if (url.username !== '' || url.password !== '') return 'expected no user and password'
  return text.includes('#') ? 'expected no fragment' : undefined
}

const PublicationTypes = z
  .array(
    z.enum(['transcript.published', 'transcript.retracted'], {
      error: 'expected transcript.published or transcript.retracted',
    }),
  )
  .min(1, 'expected at least one type')
  .transform((types) => [...new Set(types)])

/** A change of a sink; what is absent stays as it is. */
export const SinkBody = z.strictObject({
  url: SinkUrl.optional(),
  secret: WebhookSecret.max(
    LONGEST_SECRET,
    `expected at most ${LONGEST_SECRET} characters`,
  ).optional(),
  types: PublicationTypes.optional(),
  all_revisions: z.boolean().optional(),
})

/** The name that the sink of the environment answers to is taken. */
export const SinkAddress = z.object({
  sink_id: SinkId.refine((id) => id !== ENVIRONMENT_SINK, {
    error: `"${ENVIRONMENT_SINK}" is the sink of SINK_URL: expected another name`,
  }),
})

export function toSinkChange(body: z.infer<typeof SinkBody>): SinkChange {
  const { url, secret, types, all_revisions: allRevisions } = body
  return { url, secret, types, allRevisions }
}

/** Without its secret, which nobody is told but who has just had it made. */
export function sinkJson(sink: Sink, replays: readonly PendingReplay[]) {
  return {
    id: sink.sinkId,
    workspace_id: sink.workspaceId,
    url: sink.url,
    types: sink.types,
    all_revisions: sink.allRevisions,
    state: sink.state,
    state_reason: sink.stateReason,
    state_since: sink.stateSince.toISO(),
    failing_since: sink.failingSince?.toISO() ?? null,
    held_until: sink.heldUntil?.toISO() ?? null,
    previous_secret_until: sink.previousSecretUntil?.toISO() ?? null,
    replays: replays.filter((replay) => replay.sink === sink.name).map(replayJson),
    created_at: sink.createdAt.toISO(),
    updated_at: sink.updatedAt.toISO(),
  }
}

/** `position` is how far it has come. */
function replayJson({ position, through, tickets, requestedAt }: PendingReplay) {
  return {
    position: String(position),
    through: String(through),
    tickets,
    requested_at: requestedAt.toISO(),
  }
}
