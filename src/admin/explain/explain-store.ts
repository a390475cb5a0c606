import { type Kysely, sql } from 'kysely'
import type { DateTime } from 'luxon'
import type {
  Database,
  DeliveryState,
  HintClass,
  HintOutcome,
  RetractionReason,
  TicketOutcome,
} from '../../../db/schema.ts'
import type { IntegrationId, TicketId, WorkspaceId } from '../../ids.ts'

/** Rows of one ticket, as far as they help to explain it. None of them has a text. */
export interface TicketFacts {
  readonly ticket: SeenTicket | undefined
  readonly transcript: TranscriptState | undefined
  readonly hints: readonly SeenHint[]
  readonly revisions: readonly SeenRevision[]
  readonly deliveries: readonly SeenDelivery[]
}

export interface SeenTicket {
  readonly generatedAt: DateTime
  readonly updatedAt: DateTime
  readonly status: string
  readonly tags: readonly string[]
  readonly groupId: number | null
  readonly commentCount: number | null
  readonly outcome: TicketOutcome
  readonly reason: string | null
  readonly settledAt: DateTime
  readonly retryAt: DateTime | null
}

export interface TranscriptState {
  readonly revision: number
  readonly state: 'live' | 'retracted'
  readonly contentHash: string
  readonly changedAt: DateTime
}

export interface SeenHint {
  readonly type: string
  readonly class: HintClass
  readonly occurredAt: DateTime
  readonly receivedAt: DateTime
  readonly dueAt: DateTime
  readonly looks: number
  readonly settledAt: DateTime | null
  readonly outcome: HintOutcome | null
}

export interface SeenRevision {
  readonly id: string
  readonly sequence: number
  readonly revision: number
  readonly type: 'transcript.published' | 'transcript.retracted'
  readonly reason: RetractionReason | null
  readonly publishedAt: DateTime
  readonly hasText: boolean
}

export interface SeenDelivery {
  readonly sequence: number
  readonly sink: string
  readonly state: DeliveryState
  readonly attempts: number
  readonly nextAttemptAt: DateTime
  readonly outcome: string | null
  readonly settledAt: DateTime | null
}

/** The newest of each; a ticket that is touched all day has thousands. */
const MOST = 50

export async function readTicketFacts(
  db: Kysely<Database>,
  owner: { readonly integrationId: IntegrationId; readonly workspaceId: WorkspaceId },
  ticketId: TicketId,
): Promise<TicketFacts> {
  const { integrationId } = owner
  const revisions = await listRevisions(db, integrationId, ticketId)
  const sequences = revisions.map(({ sequence }) => sequence)
  return {
    ticket: await findSeenTicket(db, integrationId, ticketId),
    transcript: await findTranscript(db, integrationId, ticketId),
    hints: await listHints(db, integrationId, ticketId),
    revisions,
    deliveries: await listDeliveries(db, owner.workspaceId, sequences),
  }
}

function findSeenTicket(db: Kysely<Database>, integrationId: IntegrationId, ticketId: TicketId) {
  return db
    .selectFrom('ticket')
    .select(['generatedAt', 'updatedAt', 'status', 'tags', 'groupId', 'commentCount'])
    .select(['outcome', 'reason', 'settledAt', 'retryAt'])
    .where('integrationId', '=', integrationId)
    .where('ticketId', '=', ticketId)
    .executeTakeFirst()
}

function findTranscript(db: Kysely<Database>, integrationId: IntegrationId, ticketId: TicketId) {
  return db
    .selectFrom('transcript')
    .select(['revision', 'state', 'contentHash', 'changedAt'])
    .where('integrationId', '=', integrationId)
    .where('ticketId', '=', ticketId)
    .executeTakeFirst()
}

function listHints(db: Kysely<Database>, integrationId: IntegrationId, ticketId: TicketId) {
  return db
    .selectFrom('hint')
    .select(['type', 'class', 'occurredAt', 'receivedAt', 'dueAt', 'looks', 'settledAt', 'outcome'])
    .where('integrationId', '=', integrationId)
    .where('ticketId', '=', ticketId)
    .orderBy('receivedAt', 'desc')
    .limit(MOST)
    .execute()
}

function listRevisions(db: Kysely<Database>, integrationId: IntegrationId, ticketId: TicketId) {
  const hasText = sql<boolean>`exists (
    select from transcript_revision where integration_id = outbox_entry.integration_id
      and ticket_id = outbox_entry.ticket_id and revision = outbox_entry.revision)`
  return db
    .selectFrom('outboxEntry')
    .select(['id', 'sequence', 'revision', 'type', 'reason', 'publishedAt', hasText.as('hasText')])
    .where('integrationId', '=', integrationId)
    .where('ticketId', '=', ticketId)
    .orderBy('revision', 'desc')
    .limit(MOST)
    .execute()
}

function listDeliveries(
  db: Kysely<Database>,
  workspaceId: WorkspaceId,
  sequences: readonly number[],
) {
  return db
    .selectFrom('delivery')
    .select(['sequence', 'sink', 'state', 'attempts', 'nextAttemptAt', 'outcome', 'settledAt'])
    .where('workspaceId', '=', workspaceId)
    .where('sequence', '=', sql<number>`any(${sequences}::bigint[])`)
    .orderBy('sequence', 'desc')
    .orderBy('sink')
    .execute()
}
