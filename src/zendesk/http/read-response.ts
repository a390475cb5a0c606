import type { z } from 'zod'
import {
  type AppError,
  ZendeskRefusedError,
  ZendeskShapeError,
  ZendeskUnavailableError,
} from '../../platform/errors.ts'
import { errorSchema } from '../schemas.ts'

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/**
 * What an answer of the API means. `forbidden` and `missing` mean one thing for a ticket and another
 * for the export, so the caller decides; `failed` is the same for all.
 */
export type Reading =
  | { readonly kind: 'answered'; readonly value: object }
  | { readonly kind: 'limited'; readonly isAccountWide: boolean }
  | { readonly kind: 'unavailable'; readonly error: ZendeskUnavailableError }
  | { readonly kind: 'token refused' }
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'invalid'; readonly status: number; readonly isTooRecent: boolean }
  | { readonly kind: 'failed'; readonly error: AppError }

/** Reads an answer from the outside in: status, readable, JSON, object. Bodies are never quoted. */
export function readResponse(answer: HttpAnswer): Reading {
  const { status } = answer
  if (status === 204) return { kind: 'answered', value: {} }
  if (status >= 200 && status < 300) return readBody(answer)
  const reason = readReason(answer)
  switch (status) {
    case 400:
    case 403:
    case 422:
      return isForeign(answer) ? unavailable(status) : readRefusal(status, reason)
    case 401:
      return { kind: 'token refused' }
    case 404:
      return readMissing(reason)
    case 429:
      return { kind: 'limited', isAccountWide: !/allowed .+ API requests/i.test(reason.text) }
    case 503:
      return answer.headers['retry-after'] === undefined
        ? unavailable(status)
        : { kind: 'limited', isAccountWide: true }
    default:
      return unavailable(status)
  }
}

/** The fields of an answer; throws with the names of those that are not as expected, no values. */
export function readFields<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.infer<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const paths = parsed.error.issues.slice(0, 3).map((issue) => issue.path.join('.') || '(root)')
  throw new ZendeskShapeError(
    `${what}: unexpected or missing ${paths.join(', ')}; reading stops here until this is understood`,
  )
}

/** A scope that the token lacks: no retry helps, and no ticket is to blame. */
function scopeRefused(): ZendeskRefusedError {
  return new ZendeskRefusedError(
    'scope_insufficient',
    'Zendesk says that the token lacks a scope: check ZENDESK_SCOPE and connect the account again',
  )
}

function readBody({ status, body }: HttpAnswer): Reading {
  const value = parseJson(body)
  if (value === undefined) {
    return {
      kind: 'unavailable',
      error: new ZendeskUnavailableError(`Zendesk answers ${status} without readable JSON`, status),
    }
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return { kind: 'answered', value }
  }
  const error = new ZendeskShapeError(`Zendesk answers ${status} with JSON that is no object`)
  return { kind: 'failed', error }
}

/** A page of some proxy on the way: the API itself has said nothing yet. */
function isForeign({ body }: HttpAnswer): boolean {
  return body.trim() !== '' && parseJson(body) === undefined
}

function readRefusal(status: number, reason: Reason): Reading {
  if (status !== 403) {
    return { kind: 'invalid', status, isTooRecent: /start_time/i.test(reason.text) }
  }
  return /required scope|insufficient_scope/i.test(reason.text)
    ? { kind: 'failed', error: scopeRefused() }
    : { kind: 'forbidden' }
}

/**
 * A 404 is taken for "this is gone" only if the API itself says it in its own form: what follows
 * from it is a retraction. A page of some proxy is worth another try.
 */
function readMissing(reason: Reason): Reading {
  if (/^No help desk at/i.test(reason.title)) {
    const error = new ZendeskRefusedError(
      'account_changed',
      'there is no Zendesk account at this subdomain any more: if it was renamed, connect it under its new subdomain; if it is back, connect it again',
    )
    return { kind: 'failed', error }
  }
  const isKnown = reason.title !== '' && reason.title !== 'InvalidEndpoint'
  return isKnown ? { kind: 'missing' } : unavailable(404)
}

function unavailable(status: number): Reading {
  const error = new ZendeskUnavailableError(`Zendesk answers ${status}`, status)
  return { kind: 'unavailable', error }
}

interface Reason {
  /** The code, or the title of the other shape; empty if the body is something else. */
  readonly title: string
  /** All of it, to search for words. */
  readonly text: string
}

function readReason({ body }: HttpAnswer): Reason {
  const parsed = errorSchema.safeParse(parseJson(body))
  if (!parsed.success) return { title: '', text: '' }
  const { error, description } = parsed.data
  const title = (typeof error === 'string' ? error : error?.title) ?? ''
  const message = (typeof error === 'string' ? undefined : error?.message) ?? ''
  return { title, text: `${title} ${message} ${description ?? ''}` }
}

/** The escapes by which a text can hold NUL or half of a surrogate pair. */
const SUSPECT_ESCAPE = /\\u(?:0000|d[89a-f])/i

/**
 * Undefined if the text is no JSON: empty, HTML, or cut short. Postgres stores neither NUL nor half of
 * a surrogate pair, and a customer can write both: the one is dropped, the other replaced.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, SUSPECT_ESCAPE.test(text) ? storable : undefined) as unknown
  } catch {
    return undefined
  }
}

function storable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\0', '').toWellFormed() : value
}
