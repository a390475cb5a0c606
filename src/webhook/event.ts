import { DateTime } from 'luxon'
import { z } from 'zod'
import { hintTypeOf } from '../hint/event-type.ts'
import type { Hint } from '../hint/hint.ts'
import { type IntegrationId, TicketId } from '../ids.ts'
import { instantOf } from './signature.ts'

/** Ids are texts or numbers; null, an empty text and zero stand for one that is missing. */
const someNumber = z
  .union([
    z
      .string()
      .regex(/^[1-9]\d{0,15}$/)
      .transform(Number)
      .pipe(z.int()),
    z.int().positive(),
  ])
  .nullable()
  .catch(null)

const SUBJECT = /^zen:ticket:([1-9]\d{0,15})$/

/** A UUID or a ULID; no text that could tell anything goes into the row. */
const eventId = z
  .string()
  .regex(/^[\w-]{1,64}$/)
  .or(z.int().positive().transform(String))
  .nullable()
  .catch(null)

/** The few fields that are read. Comments, names and addresses go no further than the parser. */
export const Envelope = z
  .object({
    type: z.string().min(1),
    id: eventId,
    account_id: someNumber,
    subject: z.string().nullable().catch(null),
    time: z.string().nullable().catch(null),
    detail: z.object({ id: someNumber }).nullable().catch(null),
  })
  .meta({ required: ['type', 'id', 'account_id'] })

export type Event =
  | { readonly kind: 'hint'; readonly accountId: number; readonly hint: Hint }
  /** Of a type that means nothing to us. */
  | { readonly kind: 'meaningless'; readonly accountId: number | null }
  | { readonly kind: 'unreadable' }

/** What a signed body says: of which ticket of which account, and when it happened. */
export function readEvent(body: Buffer, integrationId: IntegrationId, signedAt: number): Event {
  const parsed = Envelope.safeParse(jsonOf(body))
  if (!parsed.success) return { kind: 'unreadable' }
  const { type: eventType, id, account_id: accountId, subject, time, detail } = parsed.data
  const type = hintTypeOf(eventType)
  if (type === undefined) return { kind: 'meaningless', accountId }
  const ticketId = TicketId.safeParse(detail?.id ?? Number(SUBJECT.exec(subject ?? '')?.[1]))
  if (id === null || accountId === null || !ticketId.success) return { kind: 'unreadable' }
  const occurredAt = DateTime.fromMillis(occurrenceOf(time, signedAt), { zone: 'utc' })
  return {
    kind: 'hint',
    accountId,
    hint: { integrationId, eventId: id, ticketId: ticketId.data, type, occurredAt },
  }
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    // What is no JSON is no event, like any other value that is none.
    return undefined
  }
}

/** Long before Zendesk. */
const EARLIEST = Date.UTC(2000)
/** Clocks differ, but what claims to happen so much later would wait for ever to be overtaken. */
const MOST_AHEAD_MS = 366 * 86_400_000

/** Of an event that does not say when it happened, in a way that can be, the delivery is all we know. */
function occurrenceOf(time: string | null, signedAt: number): number {
  const at = instantOf(time ?? '')
  return at >= EARLIEST && at <= signedAt + MOST_AHEAD_MS ? at : signedAt
}
