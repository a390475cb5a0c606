import { WebhookRefusedError } from '../../platform/errors.ts'
import {
  type WebhookCheck,
  CLAIM_MS,
  claimWebhookChecks,
  dropWebhookCheck,
  settleWebhookCheck,
} from '../../integration/webhook/check-store.ts'
import type { IntegrationStatus, WebhookProblem } from '../../../db/schema.ts'
import { connectLog as log } from '../../platform/log.ts'
import { runPass } from '../../platform/run-pass.ts'
import { workThrough } from '../../platform/work-through.ts'
import { type EnsureDeps, type Ensured, ensureOnce } from './ensure-once.ts'
import { type Next, checkedBy, nextOf } from './next-look.ts'

export interface ProvisionDeps extends EnsureDeps {
  readonly quotaShare: number
}

/** At once, in one worker: an account that answers late holds up its lane, not the others. */
const LANES = 4

/** Well within the claim, so that two workers never look after one webhook at the same time. */
const LOOK_MS = CLAIM_MS - 60_000

export type ProvisionCounts = { well: number; unwell: number; postponed: number }

/**
 * Looks after the webhooks that are ours to keep: right after a consent that lets us make one, then
 * once a day, sooner where something was wrong. In come rows that say what is due; out go the same rows
 * with what was found and when to look next. Whatever Zendesk refuses or fails at here is the webhook's
 * problem and is shown as such: the integration goes on reading without hints, later than with them.
 */
export async function provisionOnce(
  deps: ProvisionDeps,
  signal: AbortSignal,
): Promise<ProvisionCounts> {
  const counts: ProvisionCounts = { well: 0, unwell: 0, postponed: 0 }
  await workThrough({
    lanes: LANES,
    claim: async (room) => (signal.aborted ? [] : claimWebhookChecks(deps.db, room)),
    work: async (check) => {
      counts[await lookAfter(deps, check, signal)] += 1
    },
  })
  return counts
}

async function lookAfter(
  deps: ProvisionDeps,
  check: WebhookCheck,
  signal: AbortSignal,
): Promise<keyof ProvisionCounts> {
  const { integrationId, status } = check
  const end = isAsked(status)
    ? await runPass(() => look(deps, check, signal), signal)
    : ({ kind: 'done', value: status === 'disconnected' ? 'not ours' : 'not now' } as const)
  const next = nextOf(end)
  if (next.kind === 'unwell') {
    const fields = {
      integrationId,
      problem: next.problem,
      ...('error' in end && { err: end.error }),
    }
    log.warn(fields, 'webhook is unwell')
  }
  await settle(deps, check, next)
  return next.kind === 'well' || next.kind === 'unwell' ? next.kind : 'postponed'
}

/** What stands still has no token to ask with. A new consent asks for a look of its own. */
function isAsked(status: IntegrationStatus): boolean {
  return status === 'active' || status === 'paused'
}

async function settle({ db }: ProvisionDeps, check: WebhookCheck, next: Next): Promise<void> {
  if (next.kind === 'dropped') {
    await dropWebhookCheck(db, check.integrationId)
    return
  }
  const chance = { nowMs: Date.now(), random: Math.random() }
  await settleWebhookCheck(db, check, checkedBy(next, check, chance))
}

/** What is refused is no exception here, but what was found. */
async function look(
  deps: ProvisionDeps,
  { integrationId, subdomain, userId, checkedAt, ...check }: WebhookCheck,
  signal: AbortSignal,
): Promise<Ensured | WebhookProblem> {
  const quotaShare = check.quotaShare ?? deps.quotaShare
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)])
  const account = { integrationId, subdomain, userId, quotaShare }
  try {
    return await ensureOnce(deps, { account, isNew: checkedAt === null, signal: bounded })
  } catch (error) {
    if (!(error instanceof WebhookRefusedError)) throw error
    return error.problem
  } finally {
    await deps.zendesk.storeRequestCounts(integrationId)
  }
}
