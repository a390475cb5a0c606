import type { IntegrationStatus } from '../../../db/schema.ts'
import type { Integration } from '../../integration/integration.ts'
import { RequestError } from '../../platform/errors.ts'

const nextSteps: Readonly<Record<Exclude<IntegrationStatus, 'active'>, string>> = {
  pending: 'open its authorize_url and allow access first',
  paused: 'resume it first',
  errored: 'see its error, and reconnect it first',
  disconnected: 'connect the account to its workspace again',
}

/** The row of an integration that exists. */
export function existing(integration: Integration | undefined): Integration {
  if (integration !== undefined) return integration
  throw new RequestError(404, 'not_found', 'there is no such integration')
}

/** What is asked of an integration that stands still cannot be done, and it is told what would help. */
export function assertActive({ status }: Integration): void {
  if (status !== 'active') throw notActive(status)
}

export function notActive(status: Exclude<IntegrationStatus, 'active'>): RequestError {
  const message = `the integration is ${status}: ${nextSteps[status]}`
  return new RequestError(409, 'not_active', message)
}

export function alreadyRunning(runId: string): RequestError {
  const message = `run ${runId} reads the account already, or is about to: wait for its end`
  return new RequestError(409, 'already_running', message)
}
