import type { DateTime } from 'luxon'
import { actionFor } from '../../integration/integration.ts'
import type { WebhookProblem } from '../../../db/schema.ts'
import { webhookMessage } from '../webhook/webhook-json.ts'
import type { Facts, Look } from './facts.ts'

/** Something that does not mend itself, and what a person has to do about it. */
export interface Problem {
  readonly code: string
  readonly message: string
  readonly action: string
  readonly count: number
  readonly isMore: boolean
  /** The first few integrations that are concerned. */
  readonly integrationIds: readonly string[]
  /** The first few receivers that are, as workspace and name. */
  readonly sinks: readonly string[]
}

type Found = Pick<Problem, 'code' | 'message' | 'action'> & Partial<Problem>

/** A job is taken up within seconds; only a slot of thousands of integrations keeps jobs for long. */
const LONGEST_READY_MINUTES = 45

/** A sink that answers at all is never so far behind: its next attempts are minutes apart. */
const LONGEST_BEHIND_MINUTES = 60

/** What is red, the most urgent first. */
export function problemsOf(look: Look): Problem[] {
  return foundIn(look).map((found) => ({
    count: 1,
    isMore: false,
    integrationIds: [],
    sinks: [],
    ...found,
  }))
}

function foundIn(look: Look): Found[] {
  switch (look.kind) {
    case 'unreachable':
      return [
        {
          code: 'database_unreachable',
          message: 'the database cannot be reached',
          action:
            'check that Postgres is running and that DATABASE_URL leads to it: nothing is lost meanwhile, and work goes on by itself',
        },
      ]
    case 'unmigrated':
      return [
        {
          code: 'database_unmigrated',
          message: 'the database lacks migrations',
          action: 'run "npm run release"',
          count: look.pending,
        },
      ]
    case 'seen':
      return [
        ...ofWorkers(look.facts),
        ...ofIntegrations(look.facts),
        ...ofHints(look.facts),
        ...ofSinks(look.facts),
        ...ofPublications(look.facts),
      ]
    default:
      return look satisfies never
  }
}

function ofWorkers({ workers, queues, now }: Facts): Found[] {
  if (workers === 0) {
    return [
      {
        code: 'no_worker',
        message: 'no worker is alive: nothing is imported, looked at or pushed',
        action: 'start a worker: "npm run start:worker"; if one is running, look at its log',
      },
    ]
  }
  return queues
    .filter(({ oldestAt }) => minutesSince(oldestAt, now) > LONGEST_READY_MINUTES)
    .map(({ name, ready }) => ({
      code: 'queue_late',
      message: `jobs of the queue "${name}" have been ready for more than ${LONGEST_READY_MINUTES} minutes`,
      action: 'start more workers or raise WORKER_CONCURRENCY',
      ...ready,
    }))
}

function ofIntegrations({ errored, failedRuns, quarantined }: Facts): Found[] {
  const found: Found[] = errored.map(({ code, count, ids }) => ({
    code: `integration_${code}`,
    message: `integrations stand still: ${code}`,
    action: actionFor(code),
    count,
    integrationIds: ids,
  }))
  if (failedRuns.count > 0) {
    found.push({
      code: 'runs_failed',
      message: 'runs of active integrations were given up within the last day',
      action:
        'read "error" in GET /admin/integrations/{id}/runs; the next slot tries again, POST /admin/integrations/{id}/sync does at once',
      count: failedRuns.count,
      isMore: failedRuns.isMore,
      integrationIds: failedRuns.ids,
    })
  }
  if (quarantined.count > 0) {
    found.push({
      code: 'tickets_quarantined',
      message: 'tickets cannot be read and are set aside; they are tried again by themselves',
      action:
        'read the reasons under "errors" in GET /admin/integrations/{id}/runs/{run_id}; if they stay for a day, update this service',
      ...quarantined,
    })
  }
  return found
}

/** What mends itself, or is told of the integration. */
const PASSING: ReadonlySet<WebhookProblem> = new Set(['unavailable', 'token_refused'])

function ofHints({ lateHints, webhooks }: Facts): Found[] {
  const unwell = webhooks
    .filter(({ problem }) => !PASSING.has(problem))
    .map(({ problem, count, ids }) => ({
      code: `webhook_${problem}`,
      message: `webhooks do not tell what happens: ${problem}; syncs go on without them`,
      action: webhookMessage(problem),
      count,
      integrationIds: ids,
    }))
  if (lateHints.count === 0) return unwell
  return [
    ...unwell,
    {
      code: 'hints_late',
      message: 'hints that words were taken back have waited for a look for half an hour',
      action:
        'see what keeps the runs of kind "hints" in GET /admin/integrations/{id}/runs; if it is nothing but time, start more workers',
      count: lateHints.count,
      isMore: lateHints.isMore,
      integrationIds: lateHints.ids,
    },
  ]
}

const SINK_ACTIONS: Readonly<Record<'failing' | 'stopped' | 'off', readonly [string, string]>> = {
  failing: [
    'receivers have taken nothing for more than an hour',
    'see that the receiver answers with a 2xx status: what waits is tried again by itself for five days',
  ],
  stopped: [
    'receivers have said that they are gone (410): nothing more is sent to them',
    'PUT the right address to /admin/workspaces/{workspace_id}/sinks/{sink_id}, or DELETE the sink; for the one named "http" change SINK_URL and start the workers again',
  ],
  off: [
    'receivers took nothing for five days and are switched off',
    'mend the receiver, PUT its settings again to /admin/workspaces/{workspace_id}/sinks/{sink_id}, then POST /admin/workspaces/{workspace_id}/replay; for the one named "http" change SINK_URL or SINK_SECRET and start the workers again',
  ],
}

function ofSinks({ sinks }: Facts): Found[] {
  return sinks.flatMap(({ state, count, sinks: first }) => {
    if (state === 'active') return []
    const [message, action] = SINK_ACTIONS[state]
    return [{ code: `sinks_${state}`, message, action, count, sinks: first }]
  })
}

function ofPublications({ dead, behind, deliveries, now }: Facts): Found[] {
  const found: Found[] = []
  if (dead.count > 0) {
    found.push({
      code: 'deliveries_dead',
      message: 'publications were given up: their receiver refused them or took none for days',
      action:
        'mend the receiver, then deliver again: POST /admin/publications/{id}/redrive for one, POST /admin/workspaces/{workspace_id}/replay for many',
      ...dead,
    })
  }
  const age = Math.max(minutesSince(behind.oldestAt, now), minutesSince(deliveries.oldestAt, now))
  if (age > LONGEST_BEHIND_MINUTES) {
    found.push({
      code: 'outbox_late',
      message: `publications have waited for their sink for more than ${LONGEST_BEHIND_MINUTES} minutes`,
      action:
        'see in the log of the workers ("relay pass") what their sink answers; if it is slow, let it take more requests at once',
      count: behind.entries + deliveries.count,
      isMore: deliveries.isMore,
    })
  }
  return found
}

function minutesSince(instant: DateTime | null, now: DateTime): number {
  return instant === null ? 0 : now.diff(instant).as('minutes')
}
