import type { Kysely } from 'kysely'
import { pendingMigrations } from '../../../db/migrate.ts'
import type { Database } from '../../../db/schema.ts'
import { isDatabaseAway } from '../../platform/http/error-answer.ts'
import type { Facts, Look } from './facts.ts'
import {
  countDead,
  countReplays,
  readBehind,
  readPendingDeliveries,
  readSinks,
} from './outbox-store.ts'
import {
  countIntegrations,
  countQuarantined,
  countWorkers,
  readClock,
  readErrored,
  readFailedRuns,
  readLateHints,
  readPendingHints,
  readQueues,
  readRuns,
  readWebhooks,
} from './store.ts'

export interface StatusDeps {
  readonly db: Kysely<Database>
  /** The names of the sinks of the environment. */
  readonly sinks: readonly string[]
}

/**
 * One look at the whole service. In come rows of every stage, out goes what they say at one instant.
 * The numbers are those that any other process would find at that instant: nothing is remembered here.
 * A database that is away or lacks migrations is an answer as well, for that is what a person asks.
 */
export async function lookOnce(deps: StatusDeps): Promise<Look> {
  try {
    const pending = await pendingMigrations(deps.db)
    if (pending > 0) return { kind: 'unmigrated', pending }
    return { kind: 'seen', facts: await readFacts(deps) }
  } catch (error) {
    if (isDatabaseAway(error)) return { kind: 'unreachable' }
    throw error
  }
}

function readFacts({ db, sinks }: StatusDeps): Promise<Facts> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => ({
      ...(await readClock(trx)),
      workers: await countWorkers(trx),
      queues: await readQueues(trx),
      integrations: await countIntegrations(trx),
      errored: await readErrored(trx),
      runs: await readRuns(trx),
      failedRuns: await readFailedRuns(trx),
      hints: await readPendingHints(trx),
      lateHints: await readLateHints(trx),
      quarantined: await countQuarantined(trx),
      behind: await readBehind(trx, sinks),
      deliveries: await readPendingDeliveries(trx),
      dead: await countDead(trx),
      replays: await countReplays(trx),
      sinks: await readSinks(trx),
      webhooks: await readWebhooks(trx),
    }))
}
