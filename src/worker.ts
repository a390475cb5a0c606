import type { PgBoss } from 'pg-boss'
import { connect } from '../db/connect.ts'
import type { RunKind } from '../db/schema.ts'
import { assertMigrated } from '../db/migrate.ts'
import { checkKeys } from './credential/keys-store.ts'
import { IntegrationId } from './ids.ts'
import { checkSinkKeys } from './outbox/sink/secret-store.ts'
import { closeBoss, openBoss, wakeRuns } from './platform/boss.ts'
import { type Config, loadConfig } from './platform/config/config.ts'
import { withDevelopmentSecrets } from './platform/config/dev-secrets.ts'
import { aborted, pause, runEntry } from './platform/lifecycle.ts'
import { setLogLevel, workerLog as log } from './platform/log.ts'
import { type QueueDefinition, hintsQueue, runQueue } from './queues.ts'
import { runRelay } from './relay.ts'
import { enqueueDueRunsOnce } from './reconcile/enqueue-due-runs-once.ts'
import { type RunDeps, runOnce } from './reconcile/run-once.ts'
import { dueTurnOf } from './run/due/due-store.ts'
import { Leases } from './run/lease-store.ts'
import { runUpkeep } from './upkeep.ts'
import { runScheduler } from './scheduler.ts'
import { ZendeskClient } from './zendesk/client.ts'

/** How often rows are asked for runs that nobody woke. */
const ENQUEUE_INTERVAL_MS = 2_000

/** Works on runs, relays publications and keeps house until the signal aborts; returns when all of it has stopped. */
export async function runWorker(config: Config, signal: AbortSignal): Promise<void> {
  await assertMigrated(config.databaseUrl)
  await using stack = new AsyncDisposableStack()
  const maxConnections = config.workerConcurrency + 5
  const db = connect(config.databaseUrl, { maxConnections, stop: signal })
  stack.defer(() => db.destroy())
  await checkKeys(db, config.secrets.encryptionKeys)
  await checkSinkKeys(db, config.secrets.encryptionKeys)
  const leases = stack.use(new Leases(db, config.databaseUrl))
  const zendesk = stack.use(new ZendeskClient({ db, config }))
  const boss = await openBoss(config.databaseUrl, { maintain: true })
  stack.defer(() => closeBoss(boss))
  const slices = new Set<Promise<void>>()
  // Last, so that they are waited for first: they need all of the above to end.
  stack.defer(async () => void (await Promise.all(slices)))
  const { quotaShare, driftShare } = config.zendesk
  const deps: SliceDeps = { db, zendesk, leases, quotaShare, driftShare, slices }

  for (let index = 0; index < config.workerConcurrency; index++) {
    await startRunWorker(boss, deps, signal, { queue: runQueue })
  }
  await startRunWorker(boss, deps, signal, { queue: hintsQueue, kinds: ['hints'] })
  log.info({ concurrency: config.workerConcurrency }, 'worker started')
  await Promise.all([
    runScheduler({ db, boss, timeUtc: config.syncTimeUtc }, signal),
    enqueueLoop(boss, deps, signal),
    runRelay({ db, config }, signal),
    runUpkeep({ db, config, zendesk }, signal),
  ])
  await aborted(signal)
}

interface SliceDeps extends RunDeps {
  /** Those under way. */
  readonly slices: Set<Promise<void>>
}

/** One of the integrations worked on at once; asks for the next job as soon as one is done. */
async function startRunWorker(
  boss: PgBoss,
  deps: SliceDeps,
  signal: AbortSignal,
  { queue, kinds }: { readonly queue: QueueDefinition; readonly kinds?: readonly RunKind[] },
): Promise<void> {
  const slice = async (id: IntegrationId, ended: AbortSignal): Promise<void> => {
    try {
      const rest = await runOnce(deps, id, AbortSignal.any([signal, ended]), kinds)
      if (rest === 'more') await wakeRuns(boss, deps.db, await dueTurnOf(deps.db, id))
    } catch (error) {
      // The run's row still says that it is due, and the database is what failed.
      log.warn({ integrationId: id, err: error }, 'run could not be taken up, will be tried again')
    }
  }
  const workerId: string = await boss.work<{ integrationId: string }>(
    queue.name,
    { batchSize: 1, pollingIntervalSeconds: 1 },
    async ([job]) => {
      if (job === undefined || signal.aborted) return
      const underWay = slice(IntegrationId.parse(job.data.integrationId), job.signal)
      deps.slices.add(underWay)
      await underWay
      deps.slices.delete(underWay)
      boss.notifyWorker(workerId)
    },
  )
}

/** Rows carry truth: what they say is due gets a job, also after a crash or a database outage. */
async function enqueueLoop(boss: PgBoss, deps: RunDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await enqueueDueRunsOnce(deps.db, boss)
    } catch (error) {
      log.warn({ err: error }, 'due runs could not be woken, will be tried again')
    }
    await pause(ENQUEUE_INTERVAL_MS, signal)
  }
}

if (import.meta.main) {
  await runEntry(async (signal) => {
    const config = loadConfig(withDevelopmentSecrets(process.env))
    setLogLevel(config.logLevel)
    await runWorker(config, signal)
  })
}
