import type { Kysely } from 'kysely'
import type { PgBoss } from 'pg-boss'
import type { z } from 'zod'
import type { Database } from '../../db/schema.ts'
import type { TokenGrant } from '../credential/credential.ts'
import { unseal } from '../credential/seal.ts'
import { hasRefreshToken } from '../credential/store.ts'
import type { IntegrationId } from '../ids.ts'
import type { Integration } from '../integration/integration.ts'
import { findIntegration, flagErrored, lockIntegration } from '../integration/store.ts'
import type { Config } from '../platform/config/config.ts'
import { ZendeskRefusedError } from '../platform/errors.ts'
import { connectLog as log } from '../platform/log.ts'
import type { ZendeskClient } from '../zendesk/client.ts'
import type { Newcomer } from '../zendesk/types.ts'
import { activateOnce } from './activate-once.ts'
import { callbackAddress } from './begin-once.ts'
import { failureFrom, lastingError } from './failure.ts'
import type { Failure, Outcome } from './outcome.ts'
import type { CallbackQuery } from './openapi/operations.ts'
import { type ClaimedConsent, claimConsent } from './store.ts'

/** A browser waits, behind proxies that often give up after thirty seconds. */
const EXCHANGE_MS = 10_000
const PROBE_MS = 15_000
const REVOKE_MS = 5_000

export interface CallbackDeps {
  readonly db: Kysely<Database>
  readonly boss: PgBoss
  readonly zendesk: ZendeskClient
  readonly config: Config
}

/**
 * The return from Zendesk's consent page. The state is used up first, in a commit of its own: from
 * there on nobody else can go on with it, and a crash costs no more than another click. The code is
 * exchanged and the token tried out before anything is stored; then one transaction makes the
 * integration active, with its credential and its backfill. Every way out but that one gives the
 * token back.
 */
export async function callbackOnce(
  deps: CallbackDeps,
  query: z.infer<typeof CallbackQuery>,
): Promise<Outcome> {
  const consent = query.state && (await claimConsent(deps.db, query.state))
  if (!consent) return { kind: 'link_unusable' }
  const integration = await findIntegration(deps.db, consent.integrationId)
  if (integration === undefined || integration.status === 'disconnected') {
    return { kind: 'link_unusable' }
  }
  const outcome = await counted(deps, integration, () =>
    answerConsent(deps, { query, consent, integration }),
  )
  log.info(
    { integrationId: integration.id, outcome: outcome.kind, ...failureOf(outcome) },
    'callback',
  )
  return outcome
}

/** Requests count, but who has connected an account is not told otherwise for a count's sake. */
async function counted<T>(
  { zendesk }: CallbackDeps,
  { id: integrationId }: Integration,
  answer: () => Promise<T>,
): Promise<T> {
  try {
    return await answer()
  } finally {
    await zendesk
      .storeRequestCounts(integrationId)
      .catch((error: unknown) => log.warn({ integrationId, err: error }, 'requests not counted'))
  }
}

interface Answered {
  readonly query: z.infer<typeof CallbackQuery>
  readonly consent: ClaimedConsent
  readonly integration: Integration
}

async function answerConsent(
  deps: CallbackDeps,
  { query, consent, integration }: Answered,
): Promise<Outcome> {
  const { subdomain } = integration
  const { code, error: refusal } = query
  if (refusal === 'access_denied') return { kind: 'failed', subdomain, failure: 'denied' }
  if (refusal !== undefined) return { kind: 'not_authorized', subdomain, error: refusal }
  if (code === undefined) return { kind: 'failed', subdomain, failure: 'code_missing' }
  try {
    const grant = await exchange(deps, integration, { code, consent })
    await keepOrRevoke(deps, integration, grant)
    if (integration.connectedAt !== null) return { kind: 'reconnected', subdomain }
    return { kind: 'connected', subdomain, days: deps.config.backfillDays }
  } catch (cause) {
    const failure = failureFrom(cause)
    if (failure === undefined) throw cause
    log.warn({ integrationId: integration.id, err: cause }, 'account not connected')
    await flagLasting(deps.db, integration.id, cause)
    return { kind: 'failed', subdomain, failure }
  }
}

/** Judged by how the integration is by now: another consent may have connected it meanwhile. */
function flagLasting(db: Kysely<Database>, id: IntegrationId, cause: unknown): Promise<void> {
  return db.transaction().execute(async (trx) => {
    const integration = await lockIntegration(trx, id)
    if (integration === undefined) return
    const { status } = integration
    const isRefreshed = await hasRefreshToken(trx, id)
    const error = lastingError({ status, isRefreshed }, cause)
    if (error !== undefined) await flagErrored(trx, id, error)
  })
}

function exchange(
  { config, zendesk }: CallbackDeps,
  { id: integrationId, subdomain }: Integration,
  { code, consent }: { code: string; consent: ClaimedConsent },
): Promise<TokenGrant> {
  const codeVerifier = unseal(
    config.secrets.encryptionKeys,
    consent.verifier.keyId,
    { integrationId, field: 'code_verifier' },
    consent.verifier.sealed,
  )
  const redirectUri = callbackAddress(config.publicUrl)
  const asked = { code, codeVerifier, redirectUri }
  const newcomer = { integrationId, subdomain }
  return zendesk.exchangeCode(newcomer, asked, AbortSignal.timeout(EXCHANGE_MS))
}

/** A token that is not stored is known to nobody: it is revoked, as well as that can be done. */
async function keepOrRevoke(
  deps: CallbackDeps,
  { id, subdomain }: Integration,
  grant: TokenGrant,
): Promise<void> {
  const { zendesk } = deps
  const newcomer = { integrationId: id, subdomain }
  try {
    const zendeskUserId = await tryOut(zendesk, newcomer, grant)
    await activateOnce(deps, id, { grant, zendeskUserId })
  } catch (cause) {
    const revokeSignal = AbortSignal.timeout(REVOKE_MS)
    await zendesk.revokeToken(newcomer, grant.accessToken, revokeSignal).catch((error: unknown) => {
      const fields = { integrationId: id, err: error }
      log.warn(fields, 'a token that is not kept could not be revoked')
    })
    throw cause
  }
}

/** Whose token it is. One that is new and yet nobody's has no rights, and nobody took any away. */
async function tryOut(
  zendesk: ZendeskClient,
  newcomer: Newcomer,
  { accessToken }: TokenGrant,
): Promise<number> {
  try {
    const { userId } = await zendesk.probe(newcomer, accessToken, AbortSignal.timeout(PROBE_MS))
    return userId
  } catch (cause) {
    const isNobodys =
      cause instanceof ZendeskRefusedError && cause.integrationError === 'credentials_revoked'
    if (!isNobodys) throw cause
    throw new ZendeskRefusedError(
      'role_insufficient',
      'Zendesk takes the new token for nobody: consent as an administrator of the account',
      cause,
    )
  }
}

function failureOf(outcome: Outcome): { failure?: Failure } {
  return outcome.kind === 'failed' ? { failure: outcome.failure } : {}
}
