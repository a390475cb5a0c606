import { koaBody } from 'koa-body'
import type { Context, Middleware } from 'koa'
import { z } from 'zod'
import { RequestError } from '../errors.ts'

export const BODY_LIMIT_BYTES = 1024 * 1024

/** No more of a bad request is told than helps to mend it. */
const MOST_DETAILS = 20
const LONGEST_DETAIL = 200

const parseJson = koaBody({
  json: true,
  jsonLimit: BODY_LIMIT_BYTES,
  jsonTypes: ['application/json'],
  urlencoded: false,
  text: false,
  multipart: false,
})

/** Reads a JSON body. No body at all counts as an empty object; another content type is refused. */
export const jsonBody: Middleware = async (ctx, next) => {
  const isJson = ctx.request.is('application/json')
  if (ctx.request.length === 0 || isJson === null) {
    ctx.request.body = {}
    return next()
  }
  if (isJson === false) {
    throw new RequestError(
      415,
      'unsupported_media_type',
      'expected a body with content-type application/json',
    )
  }
  return parseJson(ctx, next)
}

/** The input as the schema understands it; every mistake is in the one 422, by field. */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const details = parsed.error.issues.flatMap(describe).slice(0, MOST_DETAILS)
  throw new RequestError(422, 'invalid_input', 'the request cannot be accepted as it is', {
    details: details.map((detail) => detail.slice(0, LONGEST_DETAIL)),
  })
}

/** An id out of an address. One that cannot be an id names nothing, like any unknown one. */
export function parseId<Schema extends z.ZodType>(
  schema: Schema,
  text: string | undefined,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(text)
  if (parsed.success) return parsed.data
  throw new RequestError(404, 'not_found', `there is no such ${what}`)
}

function describe(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${[...issue.path, key].join('.')}: unknown field`)
  }
  const field = issue.path.join('.')
  return [field === '' ? issue.message : `${field}: ${issue.message}`]
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
  const { limit, cursor } = parseInput(pageQuery, ctx.query)
  if (cursor === undefined) return { limit, after: undefined }
  const after = key.safeParse(Buffer.from(cursor, 'base64url').toString())
  if (after.success) return { limit, after: after.data }
  throw new RequestError(422, 'invalid_input', 'the request cannot be accepted as it is', {
    details: ['cursor: expected the next_cursor of an earlier answer'],
  })
}

const pageQuery = z.object({
  limit: z
    .string('expected one value')
    .regex(/^\d{1,4}$/, `expected a whole number from 1 to ${LARGEST_LIMIT}`)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= LARGEST_LIMIT, {
      error: `expected a whole number from 1 to ${LARGEST_LIMIT}`,
    })
    .default(DEFAULT_LIMIT),
  cursor: z.string('expected one value').optional(),
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
