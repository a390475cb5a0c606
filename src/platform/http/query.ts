import type { Context } from 'koa'
import { z } from 'zod'
import { RequestError } from '../errors.ts'
import { briefly, unacceptable } from './input.ts'

type Query = Readonly<Record<string, string | string[] | undefined>>

/** Issues of values that are of the right form, but out of bounds. */
const OUT_OF_BOUNDS = new Set(['custom', 'invalid_value'])

/**
 * The query of an address as the schema understands it. An empty parameter counts as absent: a
 * script's first request has no cursor to put in yet.
 */
export function parseQuery<Schema extends z.ZodType>(
  schema: Schema,
  query: Query,
): z.output<Schema> {
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  const details = [...new Set(issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`))]
  if (issues.every((issue) => OUT_OF_BOUNDS.has(issue.code))) throw unacceptable(details)
  throw malformedQuery(details)
}

function malformedQuery(details: readonly string[]): RequestError {
  return new RequestError(400, 'malformed', 'the query is malformed', {
    details: briefly(details),
  })
}

/** A whole number in a query, within bounds. */
export function wholeNumber(least: number, most: number, expected: string) {
  return z
    .string({ error: `expected ${expected} once` })
    .regex(/^\d{1,16}$/, `expected ${expected}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, { error: `expected ${expected}` })
    .meta({ type: 'integer', minimum: least, maximum: most })
}

const DEFAULT_LIMIT = 50
const LARGEST_LIMIT = 200

export interface PageRequest<Key> {
  readonly limit: number
  readonly after: Key | undefined
}

/** `?limit=` and `?cursor=`; a cursor is the key of the last row of the page before it. */
export function parsePage<Schema extends z.ZodType>(
  ctx: Context,
  key: Schema,
): PageRequest<z.output<Schema>> {
  const { limit, cursor } = parseQuery(PageQuery, ctx.query)
  if (cursor === undefined) return { limit, after: undefined }
  const after = key.safeParse(Buffer.from(cursor, 'base64url').toString())
  if (after.success) return { limit, after: after.data }
  throw malformedQuery([`cursor: ${EXPECTED_CURSOR}`])
}

export const EXPECTED_CURSOR = 'expected the "next_cursor" of an earlier answer'

export const PageQuery = z.object({
  limit: wholeNumber(1, LARGEST_LIMIT, `a whole number from 1 to ${LARGEST_LIMIT}`).default(
    DEFAULT_LIMIT,
  ),
  cursor: z.string({ error: EXPECTED_CURSOR }).optional(),
})

/** One page of a list. `rows` may hold one row more than the limit, which says that more follow. */
export function toPage<Row, Answer>(
  rows: readonly Row[],
  limit: number,
  options: { keyOf: (row: Row) => string; toJson: (row: Row) => Answer },
): { data: Answer[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  return {
    data: shown.map(options.toJson),
    next_cursor: last === undefined ? null : Buffer.from(options.keyOf(last)).toString('base64url'),
  }
}
