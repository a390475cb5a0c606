import { koaBody } from 'koa-body'
import type { Middleware } from 'koa'
import type { z } from 'zod'
import { RequestError } from '../errors.ts'

const BODY_LIMIT_BYTES = 1024 * 1024

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

/**
 * Reads a JSON body. No body at all counts as an empty object; another content type is refused, and so
 * is an encoding: a megabyte at most needs none, and what is compressed says nothing of its size.
 */
export const jsonBody: Middleware = async (ctx, next) => {
  const isJson = ctx.request.is('application/json')
  if (ctx.request.length === 0 || isJson === null) {
    ctx.request.body = {}
    return next()
  }
  if (isJson === false || !/^(?:identity)?$/i.test(ctx.get('content-encoding'))) {
    throw new RequestError(
      415,
      'unsupported_media_type',
      'expected a body with content-type application/json, not encoded otherwise',
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
  throw unacceptable(parsed.error.issues.flatMap(describe))
}

/** What is wrong with a value that could be read: it is told by its form and not repeated. */
export function unacceptable(details: readonly string[]): RequestError {
  return new RequestError(422, 'invalid_input', 'the request cannot be accepted as it is', {
    details: briefly(details),
  })
}

/** No more of a bad request is told than helps to mend it. */
export function briefly(details: readonly string[]): readonly string[] {
  return details.slice(0, MOST_DETAILS).map((detail) => detail.slice(0, LONGEST_DETAIL))
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
  const message = issue.message.charAt(0).toLowerCase() + issue.message.slice(1)
  return [field === '' ? message : `${field}: ${message}`]
}
