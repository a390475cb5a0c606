import { randomUUID } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'
import { saveHints } from '../../../src/hint/store.ts'
import { type IntegrationId, TicketId } from '../../../src/ids.ts'
import type { Mutation } from '../../../src/simulator/mutation/mutation.ts'
import type { Simulator } from '../../../src/simulator/start.ts'
import { subdomain, workspaceId } from './account.ts'

/** What happens before a pass, to the account and to our rows. */
export interface Scene {
  readonly db: Kysely<Database>
  readonly simulator: Simulator
  readonly integrationId: IntegrationId
  /** Numbers of tickets that are published after the import. */
  readonly tickets: readonly number[]
}

export async function changeMuch({ db, simulator, integrationId, tickets }: Scene): Promise<void> {
  const [answered, noted, hidden, redacted, gone, tagged, vip, touched, idle] = tickets
  await mutate(simulator, [
    { kind: 'add_comment', ticketId: answered!, isPublic: true, by: 'agent' },
    { kind: 'add_comment', ticketId: noted!, isPublic: false, by: 'agent' },
    { kind: 'make_private', ticketId: hidden!, index: 0 },
    { kind: 'redact', ticketId: redacted!, index: 0 },
    { kind: 'delete', ticketId: gone! },
    { kind: 'set_tags', ticketId: tagged!, tags: ['noise'] },
    { kind: 'set_tags', ticketId: vip!, tags: ['noise', 'vip'] },
    { kind: 'system_update', ticketId: touched! },
    { kind: 'create', isPublic: true },
    { kind: 'create', isPublic: false },
  ])
  await hint(db, integrationId, [
    { ticketId: answered!, type: 'comment_added' },
    { ticketId: redacted!, type: 'comment_redacted' },
    { ticketId: idle!, type: 'status_changed' },
  ])
}

export async function takeBack({ db, simulator, integrationId, tickets }: Scene): Promise<void> {
  const [, , , , , , , , , hidden, gone, spam] = tickets
  await mutate(simulator, [
    { kind: 'make_private', ticketId: hidden!, index: 0 },
    { kind: 'delete', ticketId: gone! },
    { kind: 'mark_as_spam', ticketId: spam! },
  ])
  await hint(db, integrationId, [
    { ticketId: hidden!, type: 'comment_made_private' },
    { ticketId: gone!, type: 'soft_deleted' },
    { ticketId: gone!, type: 'soft_deleted' },
    { ticketId: spam!, type: 'marked_as_spam' },
  ])
}

export async function narrow({ db, simulator, integrationId, tickets }: Scene): Promise<void> {
  const [unreadable, answered, , , restored] = tickets
  await simulator.setFault({
    family: 'comments',
    kind: 'status',
    status: 403,
    times: null,
    ticketId: unreadable!,
  })
  await mutate(simulator, [
    { kind: 'add_comment', ticketId: unreadable!, isPublic: true, by: 'customer' },
    { kind: 'add_comment', ticketId: answered!, isPublic: true, by: 'customer' },
    { kind: 'restore', ticketId: restored! },
  ])
  await filter(db, ['noise'])
  await insertSync(db, integrationId)
}

export async function widen({ db, simulator, integrationId, tickets }: Scene): Promise<void> {
  await simulator.clearFaults()
  await mutate(simulator, [
    { kind: 'add_comment', ticketId: tickets[7]!, isPublic: true, by: 'agent' },
  ])
  await filter(db, ['vip'])
  await sql`
    update ticket set retry_at = now()
    where integration_id = ${integrationId} and retry_at is not null`.execute(db)
  await sql`
    update cursor set after_cursor = 'nobody knows this one'
    where integration_id = ${integrationId}`.execute(db)
  await insertSync(db, integrationId)
}

export async function setToken(
  db: Kysely<Database>,
  id: IntegrationId,
  times: { expiresAt: Date } | { renewBy: Date },
): Promise<void> {
  await db.updateTable('credential').set(times).where('integrationId', '=', id).execute()
}

export async function rejectClient(db: Kysely<Database>, id: IntegrationId): Promise<void> {
  await db
    .updateTable('integration')
    .set({ status: 'errored', errorCode: 'client_rejected', errorMessage: 'rejected' })
    .where('id', '=', id)
    .execute()
}

/** Half of what was published was published long ago. */
export async function ageHalf({ db }: Scene): Promise<void> {
  await sql`
    update outbox_entry set published_at = now() - interval '91 days' from feed
    where feed.workspace_id = outbox_entry.workspace_id
      and sequence <= feed.last_sequence / 2`.execute(db)
}

export async function anOldConsent(
  db: Kysely<Database>,
  integrationId: IntegrationId,
): Promise<void> {
  const secret = Buffer.from('secret')
  await db
    .insertInto('consent')
    .values({
      integrationId,
      keyId: 'older',
      stateHash: secret,
      codeVerifier: secret,
      expiresAt: new Date(0),
    })
    .execute()
}

export async function aWeekLater(db: Kysely<Database>): Promise<void> {
  await sql`
    update hint set settled_at = now() - interval '8 days' where settled_at is not null`.execute(db)
}

/** They are all in the export when this returns. */
async function mutate(simulator: Simulator, mutations: readonly Mutation[]): Promise<void> {
  for (const mutation of mutations) await simulator.mutate(subdomain, mutation)
  await simulator.advanceClock(200_000)
}

async function hint(
  db: Kysely<Database>,
  integrationId: IntegrationId,
  hints: readonly { readonly ticketId: number; readonly type: string }[],
): Promise<void> {
  await saveHints(
    db,
    hints.map(({ ticketId, type }) => ({
      integrationId,
      type,
      ticketId: TicketId.parse(ticketId),
      eventId: randomUUID(),
      occurredAt: DateTime.utc().minus({ minutes: 3 }),
    })),
  )
  await sql`
    update hint set due_at = now()
    where integration_id = ${integrationId} and settled_at is null`.execute(db)
}

async function filter(db: Kysely<Database>, excludeTags: string[]): Promise<void> {
  await db
    .updateTable('workspace')
    .set((eb) => ({
      zendeskExcludeTags: excludeTags,
      filtersVersion: eb('filtersVersion', '+', 1),
    }))
    .where('id', '=', workspaceId)
    .execute()
}

async function insertSync(db: Kysely<Database>, integrationId: IntegrationId): Promise<void> {
  await db
    .insertInto('run')
    .values({ integrationId, kind: 'sync', windowFrom: new Date() })
    .execute()
}

export async function missASlot({ db, integrationId }: Scene): Promise<void> {
  const scheduledFrom = DateTime.utc().minus({ days: 3 }).toJSDate()
  const ofWorkspace = db.updateTable('workspace').where('id', '=', workspaceId)
  await ofWorkspace.set({ scheduledSince: scheduledFrom }).execute()
  const own = db.updateTable('integration').where('id', '=', integrationId)
  await own.set({ scheduledFrom }).execute()
}
