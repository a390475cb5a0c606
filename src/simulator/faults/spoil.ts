import type { Answer } from '../api/answer.ts'
import { rateLimited } from '../api/answer.ts'
import type { Fault } from './fault.ts'

type Json = Record<string, unknown>

const HTML = 'text/html; charset=utf-8'

/** The answer that a fault gives in place of the work; `null` when the work is to be done. */
export function answerInstead(fault: Fault, isIncremental: boolean): Answer | null {
  if (fault.kind === 'rate_limited') return limited(fault, isIncremental)
  if (fault.kind === 'status') return fault.worked === true ? null : failure(fault)
  if (fault.kind === 'page_too_big') {
    return { status: 504, text: 'upstream request timeout', contentType: 'text/plain' }
  }
  if (fault.kind === 'redirect') {
    return { status: 302, headers: { Location: fault.location }, text: '' }
  }
  if (fault.kind === 'html') {
    return { status: 200, text: page('Just a moment'), contentType: HTML }
  }
  return fault.kind === 'empty' ? { status: 200, text: '' } : null
}

/** The true answer as the fault leaves it. `previous` is the page before it, if one is kept. */
export function spoil(
  fault: Fault,
  answer: Answer,
  query: URLSearchParams,
  previous: Json | null,
): Answer {
  if (fault.kind === 'status') return failure(fault)
  if (answer.body === undefined) return answer
  if (fault.kind === 'truncated') {
    const text = JSON.stringify(answer.body)
    return { ...withoutBody(answer), text: text.slice(0, Math.floor(text.length / 2)) }
  }
  const body = JSON.parse(JSON.stringify(answer.body)) as Json
  const spoilt = spoiltBody(fault, body, query, previous)
  return { ...answer, body: spoilt }
}

function spoiltBody(fault: Fault, body: Json, query: URLSearchParams, previous: Json | null): Json {
  if (fault.kind === 'unmoved_cursor') return unmoved(body, query)
  if (fault.kind === 'repeated_page') return previous ?? body
  if (fault.kind === 'missing_field') {
    walk(partOf(body, fault.inside), (object) => delete object[fault.field])
  }
  if (fault.kind === 'set_field') {
    walk(partOf(body, fault.inside), (object) => {
      if (fault.field in object) object[fault.field] = fault.value
    })
  }
  if (fault.kind === 'unknown_fields') walk(body, addUnknown)
  return body
}

function limited(fault: Extract<Fault, { kind: 'rate_limited' }>, isIncremental: boolean): Answer {
  const answer = rateLimited(1, isIncremental ? 'incremental export' : '')
  const headers: Record<string, string> =
    fault.retryAfter === null ? {} : { 'Retry-After': fault.retryAfter ?? '1' }
  if (fault.html !== true) return { ...answer, headers }
  return { status: 429, headers, text: page('Too many requests'), contentType: HTML }
}

function failure(fault: Extract<Fault, { kind: 'status' }>): Answer {
  const headers: Record<string, string> =
    fault.retryAfter === undefined ? {} : { 'Retry-After': fault.retryAfter }
  if (fault.html === true) {
    return { status: fault.status, headers, text: page(`Error ${fault.status}`), contentType: HTML }
  }
  return { status: fault.status, headers, body: bodyFor(fault.status) }
}

function bodyFor(status: number): Json {
  if (status === 404) return { error: 'RecordNotFound', description: 'Not found' }
  if (status === 401) return { error: 'invalid_token', error_description: 'The access token …' }
  if (status === 403) return { error: { title: 'Forbidden', message: 'Access is restricted.' } }
  if (status >= 500) return { error: 'InternalError', description: 'Something went wrong' }
  return { error: 'InvalidValue', description: 'Invalid value' }
}

function unmoved(body: Json, query: URLSearchParams): Json {
  const given = query.get('cursor') ?? query.get('page[after]')
  if ('meta' in body)
    return { ...body, meta: { ...(body['meta'] as Json), has_more: true, after_cursor: given } }
  if ('end_time' in body) {
    return { ...body, end_time: Number(query.get('start_time')), end_of_stream: false }
  }
  return { ...body, after_cursor: given ?? body['after_cursor'], end_of_stream: false }
}

/** What tomorrow's Zendesk may send: more fields, and values that no list has yet. */
function addUnknown(object: Json): void {
  object['future_field'] = { nested: [1, 'two', null] }
  if (typeof object['status'] === 'string' && object['status'] !== 'deleted') {
    object['status'] = 'awaiting_robot'
  }
  if (typeof object['priority'] === 'string') object['priority'] = 'galactic'
  if (typeof object['channel'] === 'string') object['channel'] = 'telepathy'
  if (object['type'] === 'Comment') object['type'] = 'HologramComment'
}

function partOf(body: Json, inside: string | undefined): unknown {
  return inside === undefined ? body : body[inside]
}

function walk(value: unknown, visit: (object: Json) => void): void {
  if (typeof value !== 'object' || value === null) return
  for (const child of Object.values(value)) walk(child, visit)
  if (!Array.isArray(value)) visit(value as Json)
}

function withoutBody(answer: Answer): Answer {
  const { body: _, ...rest } = answer
  return { ...rest, contentType: 'application/json; charset=utf-8' }
}

function page(title: string): string {
  return `<!doctype html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`
}
