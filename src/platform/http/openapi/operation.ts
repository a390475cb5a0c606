import { z } from 'zod'

/**
 * Who may ask: a bearer of the admin token, or of either token; Zendesk, by a signature; a browser
 * that comes back from a consent, by its state; anybody.
 */
export type Auth = 'admin' | 'read' | 'signature' | 'state' | 'none'

/** Bodies by media type; none at all where the answer has no body. */
export type Content = Readonly<Record<string, z.ZodType>>

/** What one route takes and answers, by the schemas that it parses with. */
export interface Operation {
  readonly id: string
  readonly method: 'get' | 'put' | 'post' | 'delete'
  /** Its parameters in braces; the document knows the schema of each by its name. */
  readonly path: string
  readonly summary: string
  readonly auth: Auth
  readonly query?: z.ZodObject
  readonly headers?: z.ZodObject
  readonly body?: z.ZodType
  readonly answers: Readonly<Record<number, Content>>
  /** Statuses of refusals of its own; those of tokens and bodies are the same everywhere. */
  readonly errors: readonly number[]
}

export const Instant = z.iso.datetime()

export const Count = z.int().nonnegative()

export function json(schema: z.ZodType): Content {
  return { 'application/json': schema }
}

export function pageOf(row: z.ZodType) {
  return z.strictObject({ data: z.array(row), next_cursor: z.string().nullable() })
}

/** Exactly the words of a union: one that is missing, or that is none of them, does not compile. */
export function wordsOf<Word extends string>(words: Readonly<Record<Word, true>>) {
  // The type of the record says that it has these keys.
  return z.enum(Object.keys(words) as Word[])
}

export const ErrorBody = z
  .strictObject({
    error: z.strictObject({
      code: z.string(),
      message: z.string(),
      details: z.array(z.string()).optional(),
    }),
  })
  .meta({ id: 'Error' })

/** The statuses with which an operation may refuse: its own, and those of the doors before it. */
export function errorsOf({ auth, body, errors }: Operation): number[] {
  const hasToken = auth === 'admin' || auth === 'read'
  const all = [
    ...errors,
    ...(hasToken ? [401, 429] : []),
    ...(hasToken && body !== undefined ? [400, 413, 415, 422] : []),
    500,
  ]
  return [...new Set(all)].toSorted((a, b) => a - b)
}
