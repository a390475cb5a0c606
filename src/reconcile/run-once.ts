import { findIntegration, flagErrored } from '../integration/store.ts'
import type { IntegrationId } from '../ids.ts'
import { type AppError, ZendeskRefusedError, ZendeskShapeError } from '../platform/errors.ts'
import { errorFields, reconcileLog as log } from '../platform/log.ts'
import { type PassEnd, retryDelayMs, runPass } from '../platform/run-pass.ts'
import type { Leases } from '../run/lease-store.ts'
import { type Run, failRun, findDueRun, markRunning, postponeRun } from '../run/store.ts'
import { findWorkspace } from '../workspace/store.ts'
import { type PageDeps, type Pass, pageOnce } from './page-once.ts'

export interface RunDeps extends PageDeps {
  readonly leases: Leases
  readonly quotaShare: number
}

/**
 * How long one integration keeps a worker before others get their turn. Well under the expiry of the
 * job, so that a slice always ends by itself.
 */
const SLICE_MS = 120_000

/**
 * Attempts in a row without a stored portion before a run fails: about four hours of a Zendesk or a
 * database that is away. The cursor stays where it is.
 */
const MOST_ATTEMPTS = 30

/**
 * Gives one integration its turn: takes its lease, works on its oldest due run until that ends, is
 * put off, or the slice is over. Whatever happens, the run's row says what comes next, so that any
 * worker can go on. Returns whether there is more to do right now.
 */
export async function runOnce(
  deps: RunDeps,
  integrationId: IntegrationId,
  signal: AbortSignal,
): Promise<'more' | 'nothing due' | 'busy'> {
  await using lease = await deps.leases.take(integrationId)
  if (lease === undefined) return 'busy'
  const pass = await preparePass(deps, integrationId, AbortSignal.any([signal, lease.signal]))
  if (pass === undefined) return 'nothing due'
  const startedAt = performance.now()
  await markRunning(deps.db, pass.run.id)
  const end = await runPass(() => pagesUntil(deps, { ...pass, lease }), pass.signal)
  if (!lease.signal.aborted) await settleRun(deps, pass.run, end)
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

type PreparedPass = Omit<Pass, 'lease'>

async function preparePass(
  { db, quotaShare }: RunDeps,
  integrationId: IntegrationId,
  signal: AbortSignal,
): Promise<PreparedPass | undefined> {
  const integration = await findIntegration(db, integrationId)
  if (integration?.status !== 'active') return undefined
  const [run, workspace] = await Promise.all([
    findDueRun(db, integrationId),
    findWorkspace(db, integration.workspaceId),
  ])
  if (run === undefined || workspace === undefined) return undefined
  const account = {
    integrationId,
    subdomain: integration.subdomain,
    quotaShare: workspace.quotaShare ?? quotaShare,
  }
  const deadline = performance.now() + SLICE_MS
  return { run, integration, workspace, account, signal, deadline }
}

async function pagesUntil(deps: RunDeps, pass: Pass): Promise<'slice over' | 'end of stream'> {
  while (performance.now() < pass.deadline) {
    pass.signal.throwIfAborted()
    if ((await pageOnce(deps, pass)) === 'end of stream') return 'end of stream'
  }
  return 'slice over'
}

/** Writes down what comes next. Without the lease nothing is written: the run is another worker's. */
async function settleRun({ db }: RunDeps, run: Run, end: PassEnd<unknown>): Promise<void> {
  switch (end.kind) {
    case 'done':
    case 'skip':
      return
    case 'stopped':
      return postponeRun(db, run.id, {
        resumeAt: new Date(),
        reason: 'worker stopped',
        failed: false,
      })
    case 'wait':
      return postponeRun(db, run.id, { resumeAt: end.resumeAt, reason: end.reason, failed: false })
    case 'halt':
      return halt(db, run, end.error)
    case 'retry':
      return retryOrFail(db, run, end)
    default:
      return end satisfies never
  }
}

/** Flags the integration first: if the process dies in between, the flag keeps the run from going on. */
async function halt(db: RunDeps['db'], run: Run, error: AppError): Promise<void> {
  if (error instanceof ZendeskRefusedError || error instanceof ZendeskShapeError) {
    const { integrationError: code, message } = error
    await flagErrored(db, run.integrationId, { code, message })
    await failRun(db, run.id, { code, message })
  } else {
    await failRun(db, run.id, { code: error.code, message: error.message })
  }
  log.error({ integrationId: run.integrationId, runId: run.id, err: error }, 'run halted')
}

async function retryOrFail(
  db: RunDeps['db'],
  run: Run,
  { reason, error }: { reason: string; error: unknown },
): Promise<void> {
  // Read again: a portion that this slice has stored set the count back to zero.
  const attempts = (await findDueRun(db, run.integrationId))?.attempts ?? run.attempts
  const fields = {
    integrationId: run.integrationId,
    runId: run.id,
    attempts,
    ...errorFields(error),
  }
  if (attempts + 1 >= MOST_ATTEMPTS) {
    log.error(fields, 'run failed')
    return failRun(db, run.id, { code: 'retries_exhausted', message: reason })
  }
  log.warn(fields, 'run slice failed, will be tried again')
  const resumeAt = new Date(Date.now() + retryDelayMs(attempts, Math.random()))
  return postponeRun(db, run.id, { resumeAt, reason, failed: true })
}
