import { DateTime } from 'luxon'
import type { RunKind } from '../../db/schema.ts'
import type { Integration } from '../integration/integration.ts'
import { flagUnlessRenewed } from '../integration/refusal-store.ts'
import { findIntegration } from '../integration/store.ts'
import type { IntegrationId } from '../ids.ts'
import { type AppError, ZendeskRefusedError, ZendeskShapeError } from '../platform/errors.ts'
import type { Bound } from '../platform/held-time.ts'
import { errorFields, reconcileLog as log } from '../platform/log.ts'
import { type PassEnd, retryDelayMs, runPass } from '../platform/run-pass.ts'
import { findDueRun, passTurn } from '../run/due/due-store.ts'
import { holdRuns } from '../run/due/asked-store.ts'
import type { Leases } from '../run/lease-store.ts'
import { keepPulse } from '../run/progress/pulse-once.ts'
import { startSlice } from '../run/progress/slice-once.ts'
import { type Waits, beginWait } from '../run/progress/waits.ts'
import { type Run, failRun, findRun, markRunning, postponeRun } from '../run/store.ts'
import { findWorkspace } from '../workspace/store.ts'
import { stripStaged } from './events/store.ts'
import { stagesOnce } from './stages-once.ts'
import type { Pass, PassDeps } from './store-tickets-once.ts'

export interface RunDeps extends PassDeps {
  readonly leases: Leases
  readonly quotaShare: number
}

/**
 * Attempts in a row without a stored portion before a run fails: about four hours of a Zendesk or a
 * database that is away. The cursor stays where it is.
 */
const MOST_ATTEMPTS = 30

/**
 * Waiting that a run is asked for, since it last got further, before it fails: no limit of Zendesk's
 * is longer than minutes, so that after a day somebody has to look.
 */
const LONGEST_WAIT_SECONDS = 86_400

/**
 * Gives one integration its turn: takes its lease, works on its oldest due run until that ends, is
 * put off, or the slice is over. Whatever happens, the run's row says what comes next, so that any
 * worker can go on. Returns whether there is more to do right now; `kinds` are the only ones of runs
 * that are looked for.
 */
export async function runOnce(
  deps: RunDeps,
  integrationId: IntegrationId,
  signal: AbortSignal,
  kinds?: readonly RunKind[],
): Promise<'more' | 'nothing due' | 'busy'> {
  await using lease = await deps.leases.take(integrationId)
  if (lease === undefined) return 'busy'
  const unwanted = new AbortController()
  const both = AbortSignal.any([signal, lease.signal, unwanted.signal])
  const pass = await preparePass(deps, integrationId, both, kinds)
  if (pass === undefined) return 'nothing due'
  const startedAt = performance.now()
  await markRunning(deps.db, pass.run, DateTime.utc())
  using slice = startSlice(deps.db, pass.run, unwanted)
  const pulse = {
    db: deps.db,
    runId: pass.run.id,
    limitsHeld: () => deps.zendesk.heldMs(pass.account),
    isLost: () => lease.signal.aborted,
  }
  const end = await keepPulse(pulse, (storing) =>
    runPass(() => stagesOnce(deps, { ...pass, lease, storing, isOver: slice.isOver }), pass.signal),
  )
  if (!lease.signal.aborted) {
    await (unwanted.signal.aborted ? holdRuns(deps.db, integrationId) : settleRun(deps, pass, end))
  }
  log.info(
    {
      integrationId,
      runId: pass.run.id,
      kind: pass.run.kind,
      end: end.kind === 'done' ? end.value : end.kind,
      ms: Math.round(performance.now() - startedAt),
    },
    'run slice finished',
  )
  return end.kind === 'done' ? 'more' : 'nothing due'
}

type PreparedPass = Omit<Pass, 'lease' | 'storing' | 'isOver'>

async function preparePass(
  { db, quotaShare }: RunDeps,
  integrationId: IntegrationId,
  signal: AbortSignal,
  kinds: readonly RunKind[] | undefined,
): Promise<PreparedPass | undefined> {
  const integration = await findIntegration(db, integrationId)
  if (integration?.status !== 'active') return undefined
  const [run, workspace] = await Promise.all([
    findDueRun(db, integrationId, kinds),
    findWorkspace(db, integration.workspaceId),
  ])
  if (run === undefined || workspace === undefined) return undefined
  const account = {
    integrationId,
    subdomain: integration.subdomain,
    quotaShare: workspace.quotaShare ?? quotaShare,
    userId: integration.zendeskUserId,
  }
  return { run, integration, workspace, account, signal }
}

/** Writes down what comes next. Without the lease nothing is written: the run is another worker's. */
async function settleRun(
  { db }: RunDeps,
  { run, integration }: PreparedPass,
  end: PassEnd<unknown>,
): Promise<void> {
  switch (end.kind) {
    case 'done':
      return passTurn(db, run.id)
    case 'skip':
      return
    case 'stopped':
      return postponeRun(db, run.id, {
        resumeAt: new Date(),
        reason: 'worker stopped',
        failed: false,
      })
    case 'wait':
      return waitOrFail(db, run, end)
    case 'halt':
      return halt(db, run, { error: end.error, integration })
    case 'retry':
      return retryOrFail(db, run, end)
    default:
      return end satisfies never
  }
}

/** Flags the integration first: if the process dies in between, the flag keeps the run from going on. */
async function halt(
  db: RunDeps['db'],
  run: Run,
  { error, integration }: { readonly error: AppError; readonly integration: Integration },
): Promise<void> {
  if (error instanceof ZendeskRefusedError || error instanceof ZendeskShapeError) {
    const { integrationError: code, message } = error
    if (!(await flagUnlessRenewed(db, integration, { code, message }))) {
      const reason = 'consent was given again meanwhile'
      return postponeRun(db, run.id, { resumeAt: new Date(), reason, failed: false })
    }
    await fail(db, run, { code, message })
  } else {
    await fail(db, run, { code: error.code, message: error.message })
  }
  log.error({ integrationId: run.integrationId, runId: run.id, err: error }, 'run halted')
}

/** A limit is no failure, but one that never ends is. */
async function waitOrFail(
  db: RunDeps['db'],
  run: Run,
  { resumeAt, reason, boundedBy }: Extract<PassEnd<unknown>, { kind: 'wait' }>,
): Promise<void> {
  const { waitedSeconds, waits } = await readAgain(db, run)
  if (waitedSeconds < LONGEST_WAIT_SECONDS) {
    return postponeRun(db, run.id, {
      resumeAt,
      reason,
      failed: false,
      waits: waitUntil(waits, { resumeAt, reason, boundedBy }),
    })
  }
  log.error(
    { integrationId: run.integrationId, runId: run.id, waitedSeconds, reason },
    'run failed',
  )
  const message = `${reason}, and nothing could be read in a whole day of waiting`
  return fail(db, run, { code: 'retries_exhausted', message })
}

function waitUntil(
  waits: Waits,
  wait: { resumeAt: Date; reason: string; boundedBy: Bound | null },
): Waits {
  const { reason, boundedBy } = wait
  const until = DateTime.fromJSDate(wait.resumeAt)
  return beginWait(waits, { reason, boundedBy, from: DateTime.utc(), until })
}

/** A portion that this slice has stored set the counts back to zero. */
async function readAgain(db: RunDeps['db'], run: Run): Promise<Run> {
  return (await findRun(db, run.id)) ?? run
}

async function retryOrFail(
  db: RunDeps['db'],
  run: Run,
  { reason, error }: { reason: string; error: unknown },
): Promise<void> {
  const { attempts, waits } = await readAgain(db, run)
  const fields = {
    integrationId: run.integrationId,
    runId: run.id,
    attempts,
    ...errorFields(error),
  }
  if (attempts + 1 >= MOST_ATTEMPTS) {
    log.error(fields, 'run failed')
    return fail(db, run, { code: 'retries_exhausted', message: reason })
  }
  log.warn(fields, 'run slice failed, will be tried again')
  const resumeAt = new Date(Date.now() + retryDelayMs(attempts, Math.random()))
  return postponeRun(db, run.id, {
    resumeAt,
    reason,
    failed: true,
    waits: waitUntil(waits, { resumeAt, reason, boundedBy: null }),
  })
}

/** No text that waits for its ticket outlives the run that read it. */
async function fail(
  db: RunDeps['db'],
  { id, integrationId }: Run,
  error: { readonly code: string; readonly message: string },
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await stripStaged(trx, integrationId)
    await failRun(trx, id, error)
  })
}
