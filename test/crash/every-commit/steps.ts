import { setTimeout as pause } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../../db/schema.ts'
import { provisionOnce } from '../../../src/connect/webhook/provision-once.ts'
import { eraseOnce } from '../../../src/housekeeping/erase-once.ts'
import { healClientOnce } from '../../../src/housekeeping/heal-client-once.ts'
import { prunePublicationsOnce } from '../../../src/housekeeping/prune-publications-once.ts'
import { pruneHintsOnce } from '../../../src/housekeeping/prune-hints-once.ts'
import { renewTokensOnce } from '../../../src/housekeeping/renew-tokens-once.ts'
import { resealOnce } from '../../../src/housekeeping/reseal-once.ts'
import { pruneConsents } from '../../../src/housekeeping/store.ts'
import type { IntegrationId } from '../../../src/ids.ts'
import { requestWebhookCheck } from '../../../src/integration/webhook/check-store.ts'
import { registerEnvironmentSink } from '../../../src/outbox/sink/store.ts'
import { openBoss } from '../../../src/platform/boss.ts'
import { appendOnce } from '../../../src/publish/append-once.ts'
import { enqueueDueRunsOnce } from '../../../src/reconcile/enqueue-due-runs-once.ts'
import { runOnce } from '../../../src/reconcile/run-once.ts'
import { scheduleOnce } from '../../../src/schedule/schedule-once.ts'
import { passOver } from '../../support/sinks.ts'
import {
  type Scene,
  ageHalf,
  aWeekLater,
  anOldConsent,
  changeMuch,
  missASlot,
  narrow,
  rejectClient,
  setToken,
  takeBack,
  widen,
} from './scene.ts'
import type { Worker } from './worker.ts'

export interface Step {
  readonly pass: string
  readonly before?: (scene: Scene) => Promise<void>
  /** It uses tokens up, so that each replay begins with a consent of its own and with these rows. */
  readonly tokens?: (db: Kysely<Database>, id: IntegrationId) => Promise<unknown>
  readonly hasNewKey?: boolean
  /** `db` is not the worker's own connection. */
  readonly run: (worker: Worker, db: Kysely<Database>) => Promise<unknown>
}

const HTTP = 'http'
const FILE = 'file:feed'

const runs: Step['run'] = async (worker, db) => {
  const deps = { ...worker, quotaShare: 1, driftShare: 0 }
  for (let slices = 0; slices < 60; slices++) {
    const end = await runOnce(deps, worker.integrationId, worker.signal)
    if (end === 'busy') await pause(20)
    if (end === 'nothing due' && (await hasNoRun(db, worker.integrationId))) return
  }
  throw new Error('the runs do not come to an end')
}

/** What waits is due at once. */
async function hasNoRun(db: Kysely<Database>, id: IntegrationId): Promise<boolean> {
  const { rows } = await sql`
    update run set resume_at = now() from integration
    where integration.id = ${id} and integration.id = run.integration_id
      and status = 'active' and finished_at is null
    returning run.id`.execute(db)
  return rows.length === 0
}

const relay: Step['run'] = async ({ db, http, sinkUrl, signal }) => {
  await registerEnvironmentSink(db, 'sha256:0')
  await passOver(db, { url: sinkUrl, http, lanes: 8 }, signal)
}
const append: Step['run'] = ({ db, file, signal }) =>
  appendOnce({ db, sink: FILE, path: file }, signal)

/** Every pass that a worker does, in the order of a life. */
export const steps: readonly Step[] = [
  { pass: 'backfill', run: runs },
  {
    pass: 'schedule',
    before: missASlot,
    run: ({ db }) => scheduleOnce(db, { timeUtc: '04:00', now: DateTime.utc() }),
  },
  { pass: 'sync', before: changeMuch, run: runs },
  { pass: 'enqueue', before: takeBack, run: enqueue },
  { pass: 'hints', run: runs },
  { pass: 'filters that leave less, and a ticket set aside', before: narrow, run: runs },
  {
    pass: 'filters that leave more, a retry, a refused cursor and a refresh',
    before: widen,
    tokens: (db, id) => setToken(db, id, { expiresAt: new Date(0) }),
    run: runs,
  },
  { pass: 'relay', run: relay },
  { pass: 'append', run: append },
  {
    pass: 'erase',
    run: ({ db, signal }) => eraseOnce({ db, sinks: [HTTP, FILE] }, signal),
  },
  {
    pass: 'renew tokens',
    tokens: (db, id) => setToken(db, id, { renewBy: new Date(0) }),
    run: (worker) => renewTokensOnce({ ...worker, quotaShare: 1, timeUtc: '04:00' }, worker.signal),
  },
  {
    pass: 'heal client',
    before: ({ db, integrationId }) => rejectClient(db, integrationId),
    tokens: (db, id) => setToken(db, id, { renewBy: new Date(0) }),
    run: (worker) => healClientOnce({ ...worker, quotaShare: 1, timeUtc: '04:00' }, worker.signal),
  },
  {
    pass: 'provision webhook',
    before: ({ db, integrationId }) =>
      db.transaction().execute((trx) => requestWebhookCheck(trx, integrationId)),
    run: provision,
  },
  {
    pass: 'reseal',
    hasNewKey: true,
    run: ({ db, config, signal }) =>
      resealOnce({ db, keys: config.secrets.encryptionKeys }, signal),
  },
  {
    pass: 'prune consents',
    hasNewKey: true,
    before: ({ db, integrationId }) => anOldConsent(db, integrationId),
    run: ({ db }) => pruneConsents(db),
  },
  {
    pass: 'prune publications',
    hasNewKey: true,
    before: ageHalf,
    run: ({ db, signal }) =>
      prunePublicationsOnce({ db, sinks: [HTTP, FILE], keepDays: 90 }, signal),
  },
  {
    pass: 'prune hints',
    hasNewKey: true,
    before: ({ db }) => aWeekLater(db),
    run: ({ db, signal }) => pruneHintsOnce({ db }, signal),
  },
]

/**
 * Until a look has found something out: what a dead worker has claimed is due again at once, and so is
 * what a connection that broke has kept from being found.
 */
async function provision(worker: Worker, db: Kysely<Database>): Promise<void> {
  const { config, signal } = worker
  const { encryptionKeys: keys } = config.secrets
  const deps = { ...worker, keys, publicUrl: config.publicUrl, quotaShare: 1 }
  for (let looks = 0; looks < 3; looks++) {
    await db
      .updateTable('webhookCheck')
      .set({ dueAt: new Date(0) })
      .where(sql<boolean>`coalesce(problem, 'unavailable') = 'unavailable'`)
      .execute()
    await provisionOnce(deps, signal)
  }
}

async function enqueue({ db, url, signal }: Worker): Promise<void> {
  const boss = await openBoss(url, { maintain: false })
  try {
    signal.throwIfAborted()
    await enqueueDueRunsOnce(db, boss)
  } finally {
    await boss.stop({ graceful: false })
  }
}
