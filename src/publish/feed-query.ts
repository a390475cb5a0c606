import { z } from 'zod'
import { IntegrationId, TicketId } from '../ids.ts'
import type { TranscriptKey } from '../outbox/live-store.ts'
import { RequestError } from '../platform/errors.ts'

type Query = Readonly<Record<string, string | string[] | undefined>>

const wholeNumber = (least: number, most: number, expected: string) =>
  z
    .string({ error: `expected ${expected} once` })
    .regex(/^\d{1,16}$/, `expected ${expected}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, { error: `expected ${expected}` })

const FeedQuery = z.object({
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER, 'the "next" of an earlier answer').default(0),
  limit: wholeNumber(1, 1_000, 'a whole number from 1 to 1000').optional(),
  wait: wholeNumber(0, 30, 'a whole number of seconds from 0 to 30').default(0),
})
export type FeedQuery = z.infer<typeof FeedQuery>

const EXPECTED_CURSOR = 'expected the "next_cursor" of an earlier answer'

const LiveQuery = z.object({
  limit: wholeNumber(1, 200, 'a whole number from 1 to 200').default(50),
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
export type LiveQuery = z.infer<typeof LiveQuery>

export function parseFeedQuery(query: Query): FeedQuery {
  return parse(FeedQuery, query)
}

export function parseLiveQuery(query: Query): LiveQuery {
  return parse(LiveQuery, query)
}

export function toCursor({ integrationId, ticketId }: TranscriptKey): string {
  return Buffer.from(`${integrationId}/${ticketId}`).toString('base64url')
}

/** An empty parameter counts as absent: a script's first request has no cursor to put in yet. */
function parse<Schema extends z.ZodType>(schema: Schema, query: Query): z.infer<Schema> {
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const details = parsed.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`)
  throw malformedQuery([...new Set(details)])
}

export function malformedQuery(details: readonly string[]): RequestError {
  return new RequestError(400, 'malformed_query', `the query is malformed: ${details.join('; ')}`, {
    details,
  })
}
