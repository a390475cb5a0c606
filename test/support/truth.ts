import type { ExecutionContext } from 'ava'
import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { Publication } from '../../src/demo/api.ts'
import { compare } from '../../src/demo/compare.ts'
import type { OracleFilter } from '../../src/simulator/oracle.ts'
import type { Simulator } from '../../src/simulator/start.ts'
import { PATIENCE_SECONDS } from './patience.ts'
import { PERSONAL_TOKEN, PRIVATE_TOKEN } from '../../src/simulator/world/tokens.ts'

/** The window of a backfill that begins now. */
export const window: OracleFilter = { from: new Date(Date.now() - 90 * 86_400_000) }

/** What distinguishes the publications from the truth of the account, each at revision 1. */
export function differencesFrom(
  simulator: Simulator,
  subdomain: string,
  publications: readonly Publication[],
): readonly string[] {
  const expected = simulator.expectedTranscripts(subdomain, window)
  return compare(expected, publications, PRIVATE_TOKEN).differences
}

/**
 * What stands after all publications, as if it had been published at once: revisions count up from 1
 * without gaps, what was taken back is gone, the last revision counts.
 */
export function lastWord(publications: readonly Publication[]): Publication[] {
  const standing = new Map<number, Publication>()
  for (const publication of publications) {
    const { ticket, revision } = publication.transcript
    const before = standing.get(ticket.id)?.transcript.revision ?? 0
    if (revision !== before + 1) {
      throw new Error(`ticket ${ticket.id}: revision ${revision} follows ${before}`)
    }
    standing.set(ticket.id, publication)
  }
  return [...standing.values()]
    .filter((publication) => publication.type === 'transcript.published')
    .map((publication) => ({
      ...publication,
      transcript: { ...publication.transcript, revision: 1 },
    }))
}

/** What readers were ever told of a ticket, in order: `published 1`, `retracted 2`. */
export async function toldOf(db: Kysely<Database>, ticketId: number): Promise<string[]> {
  const entries = await db
    .selectFrom('outboxEntry')
    .select(['type', 'revision'])
    .where('ticketId', '=', ticketId)
    .orderBy('sequence')
    .execute()
  return entries.map(({ type, revision }) => `${type.slice('transcript.'.length)} ${revision}`)
}

/** Transcripts whose revisions do not count up from 1 without gaps. */
export async function gapsIn(db: Kysely<Database>): Promise<number[]> {
  const rows = await db
    .selectFrom('outboxEntry')
    .select('ticketId')
    .groupBy(['integrationId', 'ticketId'])
    .having(({ fn, eb }) => eb(fn.max('revision'), '<>', fn.countAll<number>()))
    .execute()
  return rows.map(({ ticketId }) => ticketId)
}

/** Words that must stand nowhere but in the simulated accounts. */
export function leaksIn(text: string): readonly string[] {
  return [...new Set([...(text.match(PRIVATE_TOKEN) ?? []), ...(text.match(PERSONAL_TOKEN) ?? [])])]
}

export async function until(
  condition: () => Promise<boolean>,
  seconds = PATIENCE_SECONDS,
): Promise<void> {
  const deadline = performance.now() + seconds * 1_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('what was waited for did not happen')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Waits until no run is unfinished; answers how the runs have ended. */
export async function untilRunsEnd(db: Kysely<Database>, seconds = PATIENCE_SECONDS) {
  const deadline = performance.now() + seconds * 1_000
  for (;;) {
    const runs = await db.selectFrom('run').selectAll().execute()
    const open = runs.filter((run) => run.finishedAt === null)
    if (open.length === 0) return runs
    if (performance.now() > deadline) {
      const reasons = open.map((run) => `${run.state}: ${run.waitReason}`)
      throw new Error(`${open.length} runs have not ended: ${[...new Set(reasons)].join('; ')}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** What of a run's tickets came to no end in its ledger: 0. */
export function unaccounted(run: {
  ticketsSeen: number
  published: number
  unchanged: number
  filtered: number
  noPublicComments: number
  gone: number
  quarantined: number
}): number {
  const { published, unchanged, filtered, noPublicComments, gone, quarantined } = run
  return run.ticketsSeen - published - unchanged - filtered - noPublicComments - gone - quarantined
}

/** Lets what waits for its next attempt have it at once. */
export function hurry(t: ExecutionContext, db: Kysely<Database>): void {
  const hurried = setInterval(() => {
    void db
      .updateTable('run')
      .set({ resumeAt: new Date() })
      .where('state', '=', 'waiting')
      .execute()
      .catch(() => {})
  }, 100)
  t.teardown(() => clearInterval(hurried))
}
