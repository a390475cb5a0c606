import type { Call } from './answer.ts'

/** Places `from` up to and not including `to` of a list, counted in the order of the answer. */
export interface Range {
  readonly from: number
  readonly to: number
  readonly isDescending: boolean
  /** `meta` and `links` of the cursor form; empty in the offset form. */
  readonly fields: Readonly<Record<string, unknown>>
}

export type Refusal = 'too_deep' | 'malformed'

const MAX_SIZE = 100
const MAX_OFFSET_RECORDS = 10_000

export function isCursorCall(call: Call): boolean {
  return ['page[size]', 'page[after]', 'page[before]'].some((name) => call.query.has(name))
}

/**
 * Cursor pagination. `links.next` and `after_cursor` are there on the last page too, and only
 * `has_more` tells; on an empty page they are null.
 */
export function cursorRange(call: Call, total: number): Range | Refusal {
  const size = sizeOf(call.query.get('page[size]'))
  const isDescending = isDescendingSort(call.query.get('sort'))
  if (isDescending === null) return 'malformed'
  const after = placeOf(call.query.get('page[after]'))
  const before = placeOf(call.query.get('page[before]'))
  if (after === 'malformed' || before === 'malformed') return 'malformed'
  const from = before === null ? (after ?? -1) + 1 : Math.max(0, before - size)
  const to = before === null ? Math.min(total, from + size) : Math.min(before, total)
  return { from, to, isDescending, fields: cursorFields(call, from, to, total) }
}

function cursorFields(
  call: Call,
  from: number,
  to: number,
  total: number,
): Record<string, unknown> {
  const isEmpty = to <= from
  const first = isEmpty ? null : cursorOf(from)
  const last = isEmpty ? null : cursorOf(to - 1)
  return {
    meta: { has_more: to < total, after_cursor: last, before_cursor: first },
    links: { prev: linkTo(call, 'page[before]', first), next: linkTo(call, 'page[after]', last) },
  }
}

export function offsetRange(call: Call, total: number): Range | Refusal {
  const size = sizeOf(call.query.get('per_page'))
  const page = pageNumber(call)
  if (page > 100 || (page - 1) * size >= MAX_OFFSET_RECORDS) return 'too_deep'
  const from = Math.min(total, (page - 1) * size)
  const isDescending =
    call.query.get('sort_order') === 'desc' || call.query.get('sort') === '-created_at'
  return { from, to: Math.min(total, from + size), isDescending, fields: {} }
}

export function offsetFields(call: Call, range: Range, total: number): Record<string, unknown> {
  const page = pageNumber(call)
  return {
    next_page: range.to < total ? pageLink(call, page + 1) : null,
    previous_page: page > 1 ? pageLink(call, page - 1) : null,
    count: total,
  }
}

function pageNumber(call: Call): number {
  const page = Number(call.query.get('page') ?? 1)
  return Number.isInteger(page) && page >= 1 ? page : 1
}

function sizeOf(text: string | null): number {
  const size = Number(text ?? MAX_SIZE)
  return Number.isInteger(size) && size >= 1 ? Math.min(size, MAX_SIZE) : MAX_SIZE
}

function isDescendingSort(sort: string | null): boolean | null {
  if (sort === null || sort === 'created_at') return false
  return sort === '-created_at' ? true : null
}

function cursorOf(place: number): string {
  return Buffer.from(`place||${place}`).toString('base64')
}

function placeOf(cursor: string | null): number | null | 'malformed' {
  if (cursor === null) return null
  const parts = /^place\|\|(\d+)$/.exec(Buffer.from(cursor, 'base64').toString())
  return parts === null ? 'malformed' : Number(parts[1])
}

function linkTo(
  call: Call,
  name: 'page[after]' | 'page[before]',
  cursor: string | null,
): string | null {
  if (cursor === null) return null
  const query = new URLSearchParams(call.query)
  query.delete('page[after]')
  query.delete('page[before]')
  query.set(name, cursor)
  return `${call.base}${call.path}?${query.toString()}`
}

function pageLink(call: Call, page: number): string {
  const query = new URLSearchParams(call.query)
  query.set('page', String(page))
  return `${call.base}${call.path}?${query.toString()}`
}
