import type { Kysely } from 'kysely'
import type { Database } from '../db/schema.ts'
import { provisionOnce } from './connect/webhook/provision-once.ts'
import { removeWebhookOnce } from './connect/webhook/remove-once.ts'
import { eraseOnce } from './housekeeping/erase-once.ts'
import { BATCH, disconnectOnce } from './housekeeping/disconnect/disconnect-once.ts'
import { type ReleaseDeps, releaseOnce } from './housekeeping/disconnect/release-once.ts'
import { healClientOnce } from './housekeeping/heal-client-once.ts'
import { prunePublicationsOnce } from './housekeeping/prune-publications-once.ts'
import { pruneHintsOnce } from './housekeeping/prune-hints-once.ts'
import { renewTokensOnce } from './housekeeping/renew-tokens-once.ts'
import { resealOnce, resealSinksOnce } from './housekeeping/reseal-once.ts'
import { measureLatencyOnce } from './housekeeping/latency/measure-once.ts'
import { pruneConsents } from './housekeeping/store.ts'
import { foldTally } from './housekeeping/tally/store.ts'
import type { IntegrationId } from './ids.ts'
import { pruneSecrets } from './outbox/sink/secret-store.ts'
import type { Config } from './platform/config/config.ts'
import { pause } from './platform/lifecycle.ts'
import { housekeepingLog as log } from './platform/log.ts'
import { sinkNames } from './relay.ts'
import type { ZendeskClient } from './zendesk/client.ts'

/** Between two rounds; each worker keeps its own time, so that they do not all look at once. */
const INTERVAL_MS = 5 * 60_000

/** What was taken back is to be gone soon; a round that finds nothing asks one small index. */
const ERASE_INTERVAL_MS = 5_000

/** Who has just connected waits for the first hint; this asks one small index, too. */
const PROVISION_INTERVAL_MS = 3_000

/** As often as Prometheus looks, or nearly so. */
const MEASURE_INTERVAL_MS = 30_000

export interface UpkeepDeps {
  readonly db: Kysely<Database>
  readonly config: Config
  readonly zendesk: ZendeskClient
}

/**
 * What nobody asks for and has to be done: at the start, for the configuration may be another one,
 * then every few minutes, erasing and looking after webhooks every few seconds, until the signal
 * aborts. What fails does not keep the rest from being done.
 */
export async function runUpkeep(
  { db, config, zendesk }: UpkeepDeps,
  signal: AbortSignal,
): Promise<void> {
  const keys = config.secrets.encryptionKeys
  const { quotaShare } = config.zendesk
  const { publicationRetentionDays: keepDays } = config
  const sinks = Object.values(sinkNames(config))
  const renewal = { db, zendesk, quotaShare, timeUtc: config.syncTimeUtc }
  const passes = {
    'heal client': () => healClientOnce(renewal, signal),
    'renew tokens': () => renewTokensOnce(renewal, signal),
    reseal: () => resealOnce({ db, keys }, signal),
    'reseal sinks': () => resealSinksOnce({ db, keys }, signal),
    'prune sink secrets': () => pruneSecrets(db),
    'prune consents': () => pruneConsents(db),
    'prune publications': () => prunePublicationsOnce({ db, sinks, keepDays }, signal),
    'prune hints': () => pruneHintsOnce({ db }, signal),
  }
  const erasing = { erase: () => eraseOnce({ db, sinks }, signal) }
  const release = releaseDepsOf({ db, config, zendesk })
  const disconnecting = {
    disconnect: () => disconnectOnce({ ...release, batch: BATCH }, signal),
  }
  const deps = { db, zendesk, keys, quotaShare, publicUrl: config.publicUrl }
  const provisioning = { 'provision webhooks': () => provisionOnce(deps, signal) }
  const measuring = {
    'measure latency': () => measureLatencyOnce(db, signal),
    'fold tally': () => foldTally(db),
  }
  await Promise.all([
    keepUp(measuring, MEASURE_INTERVAL_MS, signal),
    keepUp(passes, INTERVAL_MS, signal),
    keepUp(erasing, ERASE_INTERVAL_MS, signal),
    keepUp(disconnecting, ERASE_INTERVAL_MS, signal),
    keepUp(provisioning, PROVISION_INTERVAL_MS, signal),
  ])
}

function releaseDepsOf({ db, config, zendesk }: UpkeepDeps): ReleaseDeps {
  const { publicUrl } = config
  const { quotaShare } = config.zendesk
  const removeWebhook: ReleaseDeps['removeWebhook'] = (account, signal) =>
    removeWebhookOnce({ db, zendesk, publicUrl }, account, signal)
  return { db, zendesk, quotaShare, removeWebhook }
}

/** The same for the web process, which tries it while somebody waits for the answer. */
export function releaserOf(deps: UpkeepDeps) {
  const release = releaseDepsOf(deps)
  return (id: IntegrationId, signal: AbortSignal): Promise<void> => releaseOnce(release, id, signal)
}

type Passes = Readonly<Record<string, () => Promise<Readonly<Record<string, number>>>>>

async function keepUp(passes: Passes, intervalMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const [pass, run] of Object.entries(passes)) {
      if (!signal.aborted) await keepHouse(pass, run)
    }
    await pause(intervalMs * (0.5 + Math.random()), signal)
  }
}

async function keepHouse(
  pass: string,
  run: () => Promise<Readonly<Record<string, number>>>,
): Promise<void> {
  try {
    const counts = await run()
    if (Object.values(counts).every((count) => count === 0)) return
    log.info({ pass, ...counts }, 'housekeeping pass finished')
  } catch (error) {
    log.warn({ pass, err: error }, 'housekeeping pass failed, will be tried again')
  }
}
