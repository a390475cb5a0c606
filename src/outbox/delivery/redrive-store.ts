import { type Kysely, type Transaction, sql } from 'kysely'
import type { DateTime } from 'luxon'
import { z } from 'zod'
import type { Database, DeliveryState, OutboxEntryTable, SinkState } from '../../../db/schema.ts'
import type { PublicationId } from '../../ids.ts'
import { ENVIRONMENT_SINK } from '../sink/terms.ts'
import { Attempt } from './attempt.ts'
import { repeatLater } from './repeat-store.ts'

/** What is told of a publication: who it is, and nothing that it says. */
export interface PublicationHead {
  readonly id: string
  readonly workspaceId: string
  readonly sequence: number
  readonly type: OutboxEntryTable['type']
  readonly reason: string | null
  readonly integrationId: string
  readonly ticketId: number
  readonly revision: number
  readonly publishedAt: DateTime
  /** A later revision of the same transcript was published. */
  readonly hasNewer: boolean
  /** Its text, if it had one, is erased. */
  readonly isErased: boolean
}

export async function findPublication(
  db: Kysely<Database>,
  id: PublicationId,
): Promise<PublicationHead | undefined> {
  const { rows } = await sql<PublicationHead>`
    select entry.id, entry.workspace_id as "workspaceId", entry.sequence, entry.type, entry.reason,
      coalesce(entry.published_under, entry.integration_id) as "integrationId",
      entry.ticket_id as "ticketId", entry.revision,
      entry.published_at as "publishedAt",
      exists (select from outbox_entry as newer
        where newer.integration_id = entry.integration_id
          and newer.ticket_id = entry.ticket_id and newer.revision > entry.revision) as "hasNewer",
      entry.type = 'transcript.published' and not exists (select from transcript_revision as said
        where said.integration_id = entry.integration_id
          and said.ticket_id = entry.ticket_id and said.revision = entry.revision) as "isErased"
    from outbox_entry as entry where entry.id = ${id}`.execute(db)
  return rows[0]
}

/** The turn of one sink; one that has not begun yet is pending without an attempt. */
export interface DeliveryView {
  readonly sink: string
  readonly sinkId: string
  readonly sinkState: SinkState
  readonly state: DeliveryState
  readonly attempts: number
  readonly outcome: string | null
  readonly replayed: boolean
  readonly nextAttemptAt: DateTime | null
  readonly settledAt: DateTime | null
  readonly history: readonly Attempt[]
}

type Place = Pick<PublicationHead, 'workspaceId' | 'sequence' | 'type'>

/** The turns of all sinks of today that get a publication. */
export async function listDeliveries(
  db: Kysely<Database>,
  { workspaceId, sequence, type }: Place,
): Promise<DeliveryView[]> {
  const { rows } = await sql<Omit<DeliveryView, 'history'> & { history: unknown }>`
    select sink.name as sink, sink.sink_id as "sinkId", sink.state as "sinkState",
      coalesce(delivery.state, 'pending') as state, coalesce(delivery.attempts, 0) as attempts,
      delivery.outcome, coalesce(delivery.replayed, false) as replayed,
      case when delivery.state = 'pending' then delivery.next_attempt_at end as "nextAttemptAt",
      delivery.settled_at as "settledAt", coalesce(delivery.history, '[]') as history
    from (
      select * from sink where workspace_id = ${workspaceId} and state <> 'deleted'
      union all select * from sink where name = ${ENVIRONMENT_SINK}
    ) as sink
    left join delivery on delivery.workspace_id = ${workspaceId}
      and delivery.sequence = ${sequence} and delivery.sink = sink.name
    left join sink_position as position
      on position.sink = sink.name and position.workspace_id = ${workspaceId}
    where delivery.sink is not null
      or (coalesce(position.sequence, 0) < ${sequence} and ${type} = any(sink.types))
    order by sink.name`.execute(db)
  return rows.map((row) => ({ ...row, history: z.array(Attempt).parse(row.history) }))
}

/** The sinks of today that have given a publication up, locked until the transaction ends. */
export async function lockDead(
  trx: Transaction<Database>,
  { workspaceId, sequence }: Place,
): Promise<{ readonly name: string; readonly sinkId: string; readonly allRevisions: boolean }[]> {
  return trx
    .selectFrom('sink')
    .innerJoin('delivery', 'delivery.sink', 'sink.name')
    .select(['sink.name', 'sink.sinkId', 'sink.allRevisions'])
    .where('delivery.workspaceId', '=', workspaceId)
    .where('delivery.sequence', '=', sequence)
    .where('delivery.state', 'is not distinct from', 'dead')
    .where('sink.state', '<>', 'deleted')
    .orderBy('sink.name')
    .forUpdate('sink')
    .execute()
}

/**
 * Makes what these sinks were not brought pending again, with as many attempts as the first time, and
 * with it the later revisions of the transcript that they were given.
 */
export async function redriveDeliveries(
  trx: Transaction<Database>,
  { workspaceId, sequence }: Place,
  names: readonly string[],
): Promise<void> {
  const transcripts = sql`outbox_entry
    where workspace_id = ${workspaceId} and sequence = ${sequence}`
  await repeatLater(trx, names, { transcripts, after: sequence, through: sequence })
  await trx
    .updateTable('delivery')
    .set({
      state: 'pending',
      attemptsBefore: sql<number>`attempts`,
      createdAt: sql<Date>`now()`,
      nextAttemptAt: sql<Date>`now()`,
      claimedUntil: null,
      settledAt: null,
    })
    .where('workspaceId', '=', workspaceId)
    .where('sequence', '=', sequence)
    .where('sink', 'in', names)
    .where('state', 'is not distinct from', 'dead')
    .execute()
}
