import type { WebhookProblem } from '../../../db/schema.ts'
import type { WebhookState } from './state-store.ts'

/**
 * `problem` is about a webhook that the service keeps itself; `silent_share` is the part of the news of
 * the last syncs that no hint had told of.
 */
export function webhookJson(webhook: WebhookState, endpoint: string) {
  const { state, lastReceivedAt, checkedAt, problem, silentShare } = webhook
  return {
    state,
    endpoint,
    last_received_at: lastReceivedAt?.toISO() ?? null,
    checked_at: checkedAt?.toISO() ?? null,
    problem: problem === null ? null : { code: problem, message: webhookMessage(problem) },
    silent_share: silentShare,
  }
}

/** What is wrong, and the next step, in words for the one who reads it. Tickets are read all the same. */
export function webhookMessage(problem: WebhookProblem): string {
  switch (problem) {
    case 'scope_missing':
      return 'the consent does not cover webhooks: add webhooks:write to ZENDESK_SCOPE and reconnect the account, or make a webhook by hand and tell its secret'
    case 'forbidden':
      return 'Zendesk forbids webhooks to this user or plan: reconnect the account as one of its administrators, or make a webhook by hand and tell its secret'
    case 'limit_reached':
      return 'the account has as many webhooks as its plan allows: delete one that is not needed at Zendesk; it is tried again by itself'
    case 'rejected':
      return 'Zendesk does not accept the webhook: PUBLIC_URL has to be an https address that can be reached from the internet'
    case 'token_refused':
      return 'Zendesk does not accept the token: if that lasts, the next sync says what to do'
    case 'unavailable':
      return 'Zendesk could not be reached about the webhook, or did not answer as it should; it is tried again by itself'
    case 'failing':
      return 'Zendesk cannot deliver: PUBLIC_URL has to lead to this service from the internet'
    case 'circuit_broken':
      return 'Zendesk has dropped deliveries because too many had failed: see why this service did not answer; the next sync finds what was missed'
    default:
      return problem satisfies never
  }
}
