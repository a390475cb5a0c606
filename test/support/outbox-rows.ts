import type { Kysely, Transaction } from 'kysely'
import type { Database, RetractionReason } from '../../db/schema.ts'
import { type IntegrationId, Subdomain, TicketId, WorkspaceId } from '../../src/ids.ts'
import { createIntegration } from '../../src/integration/store.ts'
import { appendEntries } from '../../src/outbox/store.ts'
import { saveRetractions, saveRevisions } from '../../src/transcript/store.ts'
import type { StoredTurn, Transcript } from '../../src/transcript/transcript.ts'
import { createWorkspace } from '../../src/workspace/store.ts'

/** A workspace with one connected account, ready to be published into. */
export interface Feed {
  readonly workspaceId: WorkspaceId
  readonly integrationId: IntegrationId
}

export function aFeed(db: Kysely<Database>, id = 'w1'): Promise<Feed> {
  const workspaceId = WorkspaceId.parse(id)
  return db.transaction().execute(async (trx) => {
    await createWorkspace(trx, workspaceId)
    const { id: integrationId } = await createIntegration(trx, {
      workspaceId,
      subdomain: Subdomain.parse('acme'),
    })
    return { workspaceId, integrationId }
  })
}

export function aTurn(turn: Partial<StoredTurn> = {}): StoredTurn {
  return {
    comment_id: 911,
    public: true,
    author_id: 1,
    role: 'customer',
    speaker: 'customer-1',
    at: '2026-01-01T10:00:00Z',
    text: 'It does not start.',
    attachments: [],
    ...turn,
  }
}

export function aTranscript(turns: readonly StoredTurn[] = [aTurn()]): Transcript {
  return {
    ticket: {
      subject: 'Help',
      status: 'open',
      priority: null,
      type: null,
      tags: ['vip'],
      group_id: null,
      channel: 'email',
      created_at: '2026-01-01T10:00:00Z',
      updated_at: '2026-01-02T10:00:00Z',
    },
    turns,
  }
}

export interface Revision {
  readonly ticketId: number
  readonly revision?: number
  readonly transcript?: Transcript
}

/** Writes revisions and their entries as a page does, in one transaction. */
export async function publish(
  db: Kysely<Database>,
  feed: Feed,
  ...revisions: readonly Revision[]
): Promise<void> {
  await db.transaction().execute((trx) => publishIn(trx, feed, revisions))
}

export async function publishIn(
  trx: Transaction<Database>,
  feed: Feed,
  revisions: readonly Revision[],
): Promise<void> {
  const complete = revisions.map(({ ticketId, revision = 1, transcript = aTranscript() }) => ({
    ticketId: TicketId.parse(ticketId),
    revision,
    contentHash: `sha256:${ticketId}-${revision}`,
    transcript,
  }))
  await saveRevisions(trx, feed, complete)
  await appendEntries(
    trx,
    feed.workspaceId,
    complete.map(({ transcript: _, ...entry }) => ({
      ...entry,
      type: 'transcript.published',
      integrationId: feed.integrationId,
    })),
  )
}

export async function retract(
  db: Kysely<Database>,
  { workspaceId, integrationId }: Feed,
  retraction: { ticketId: number; revision: number; reason: RetractionReason },
): Promise<void> {
  const ticketId = TicketId.parse(retraction.ticketId)
  await db.transaction().execute(async (trx) => {
    await saveRetractions(trx, integrationId, [{ ...retraction, ticketId }])
    await appendEntries(trx, workspaceId, [
      { ...retraction, ticketId, integrationId, type: 'transcript.retracted' },
    ])
  })
}
