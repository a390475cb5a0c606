import { z } from 'zod'
import { IntegrationId, TicketId } from '../../ids.ts'
import type { TranscriptKey } from '../../outbox/live-store.ts'
import { EXPECTED_CURSOR, wholeNumber } from '../../platform/http/query.ts'

export const FeedQuery = z.object({
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER, 'the "next" of an earlier answer').default(0),
  limit: wholeNumber(1, 1_000, 'a whole number from 1 to 1000').optional(),
  wait: wholeNumber(0, 30, 'a whole number of seconds from 0 to 30').default(0),
})
export type FeedQuery = z.infer<typeof FeedQuery>

export const LiveQuery = z.object({
  limit: wholeNumber(1, 200, 'a whole number from 1 to 200').optional(),
  cursor: z
    .string({ error: EXPECTED_CURSOR })
    .transform((text) => Buffer.from(text, 'base64url').toString().split('/'))
    .pipe(
      z.tuple([IntegrationId, z.string().transform(Number).pipe(TicketId)], {
        error: EXPECTED_CURSOR,
      }),
    )
    .transform(([integrationId, ticketId]): TranscriptKey => ({ integrationId, ticketId }))
    .optional(),
})

export function toCursor({ integrationId, ticketId }: TranscriptKey): string {
  return Buffer.from(`${integrationId}/${ticketId}`).toString('base64url')
}
