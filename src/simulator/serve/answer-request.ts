import { setTimeout as delay } from 'node:timers/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Account } from '../account.ts'
import { accountOf } from '../control/operations.ts'
import { checkAccess } from '../api/access.ts'
import type { Answer, Call } from '../api/answer.ts'
import { invalidEndpoint, noHelpDesk, rateLimited } from '../api/answer.ts'
import type { Match } from '../api/routes.ts'
import { matchRoute } from '../api/routes.ts'
import { applyFaults } from '../faults/apply.ts'
import { changeAccount } from '../change-account.ts'
import type { Fault } from '../faults/fault.ts'
import type { Family } from './request-log.ts'
import { parseBody, targetOf } from './request-target.ts'
import type { Target } from './request-target.ts'
import { cut, send } from './send.ts'
import type { State } from '../state.ts'

/**
 * One request to a help desk: find the account and the route, meet the faults, check the token,
 * spend the rate limit, do the work, spoil the answer if a fault says so, log and send. Without
 * faults and latency all of it happens in one go, so that benchmarks measure their own side.
 */
export function answerRequest(
  state: State,
  request: IncomingMessage,
  body: string,
  response: ServerResponse,
): Promise<void> | undefined {
  const target = targetOf(request)
  const account = accountAt(state, target.subdomain)
  const match = matchRoute(target.method, target.segments)
  if (account === undefined) {
    log({ state, target, match }, 404)
    send(response, noHelpDesk(target.subdomain), {})
    return undefined
  }
  const asked: Asked = { state, account, target, match, request, body, response }
  if (state.faults.isEmpty && account.settings.latencyMs === 0) {
    const answer = work(asked)
    if (!(answer instanceof Promise)) {
      finish(asked, answer)
      return undefined
    }
    return answer.then((settled) => finish(asked, settled))
  }
  return answerSlowly(asked)
}

/** Who answers at a subdomain: it may have been given up, and another account may have taken it. */
function accountAt(state: State, subdomain: string): Account | undefined {
  const account = state.accounts.get(subdomain)
  if (account === undefined || account.settings.renamedAway) return undefined
  const { takenBy } = account.settings
  if (takenBy === null) return account
  const { tickets, baseEvents, laterEvents } = accountOf(state, takenBy)
  return { ...account, tickets, baseEvents, laterEvents }
}

interface Asked {
  readonly state: State
  readonly account: Account
  readonly target: Target
  readonly match: Match | null
  readonly request: IncomingMessage
  readonly body: string
  readonly response: ServerResponse
}

interface Worked {
  readonly answer: Answer
  readonly headers: Readonly<Record<string, string>>
}

async function answerSlowly(asked: Asked): Promise<void> {
  const { state, account, target } = asked
  const hits = takeFaults(asked)
  const waitMs = hits.reduce(
    (sum, fault) => sum + (fault.kind === 'slow' ? fault.ms : 0),
    account.settings.latencyMs,
  )
  if (waitMs > 0) await delay(waitMs, undefined, { signal: state.stop }).catch(() => undefined)
  for (const fault of hits) {
    if (fault.kind === 'change') await changeAccount(account, fault.mutation)
  }
  const fault = hits.find((hit) => hit.kind !== 'slow' && hit.kind !== 'change')
  const outcome = await applyFaults({
    fault: fault ?? null,
    state,
    query: target.query,
    pageKey: `${account.subdomain} ${familyOf(asked)}`,
    isIncremental: familyOf(asked) === 'incremental',
    rateHeaders: () => account.limits.spend(account.settings, null).headers,
    work: async () => work(asked),
  })
  if (outcome.kind === 'answer') {
    finish(asked, outcome)
    return
  }
  log(asked, 0)
  if (outcome.kind !== 'hang') cut(asked.response, outcome)
}

function takeFaults(asked: Asked): Fault[] {
  const { target, match } = asked
  const pageSize = target.query.get('per_page') ?? target.query.get('page[size]')
  const ticketId = target.segments[2] === 'tickets' ? Number(target.segments[3]) : Number.NaN
  return asked.state.faults.take({
    subdomain: target.subdomain,
    family: match?.route.family ?? 'other',
    method: target.method,
    path: target.path,
    query: target.queryText,
    ticketId: Number.isInteger(ticketId) ? ticketId : null,
    pageSize: pageSize === null ? null : Number(pageSize),
  })
}

/** Access, limits, then the route itself. */
function work(asked: Asked): Worked | Promise<Worked> {
  const { account, target, match, request } = asked
  if (match === null) return { answer: invalidEndpoint, headers: {} }
  const access = checkAccess(account, match.route, request.headers.authorization)
  if ('refusal' in access) return { answer: access.refusal, headers: {} }
  const isApi = match.route.access !== 'open'
  const spent = isApi ? account.limits.spend(account.settings, match.route.limit) : null
  const headers = spent?.headers ?? {}
  if (spent !== null && !spent.isAllowed) {
    return { answer: rateLimited(spent.retryAfterSeconds, spent.endpoint), headers }
  }
  const call: Call = {
    account,
    method: target.method,
    path: target.path,
    params: match.params,
    query: target.query,
    body: parseBody(request.headers['content-type'], asked.body),
    base: target.base,
    grant: access.grant,
  }
  const answer = match.route.answer(call)
  if (answer instanceof Promise) return answer.then((settled) => ({ answer: settled, headers }))
  return { answer, headers }
}

function finish(asked: Asked, worked: Worked): void {
  log(asked, worked.answer.status)
  const { warning } = asked.account.settings
  const warned = warning === null ? {} : { 'X-Zendesk-API-Warn': warning }
  send(asked.response, worked.answer, { ...worked.headers, ...warned })
}

function familyOf(asked: Pick<Asked, 'match'>): Family {
  return asked.match?.route.family ?? 'other'
}

function log(asked: Pick<Asked, 'state' | 'target' | 'match'>, status: number): void {
  const { state, target } = asked
  const family = familyOf(asked)
  state.log.add({
    subdomain: target.subdomain,
    family,
    method: target.method,
    path: target.path,
    query: family === 'oauth' ? '' : target.queryText,
    status,
    at: state.clock.now(),
  })
}
