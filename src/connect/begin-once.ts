import { randomBytes } from 'node:crypto'
import type { Kysely, Transaction } from 'kysely'
import type { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'
import { NONCE_BYTES, seal } from '../credential/seal.ts'
import type { IntegrationId, Subdomain, WorkspaceId } from '../ids.ts'
import type { Integration } from '../integration/integration.ts'
import { createIntegration, lockIntegration } from '../integration/store.ts'
import { toSubdomain } from '../integration/subdomain.ts'
import type { Config } from '../platform/config/config.ts'
import { RequestError } from '../platform/errors.ts'
import { findWorkspace } from '../workspace/store.ts'
import { authorizeUrl } from '../zendesk/oauth.ts'
import { insertConsent } from './store.ts'

export interface BeginDeps {
  readonly db: Kysely<Database>
  readonly config: Config
}

/** Where a person has to go to let us in, and until when. */
export interface Invitation {
  readonly integrationId: IntegrationId
  readonly authorizeUrl: string
  readonly expiresAt: DateTime
}

/**
 * The beginning of a connection: in comes what a person typed as their account, out goes the
 * address of Zendesk's consent page. Nothing is asked of Zendesk. An integration that was never
 * connected is taken up again, so that asking twice leaves one integration; each link works once.
 */
export async function beginConnectOnce(
  deps: BeginDeps,
  workspaceId: WorkspaceId,
  pasted: unknown,
): Promise<Invitation> {
  if ((await findWorkspace(deps.db, workspaceId)) === undefined) {
    throw new RequestError(404, 'not_found', 'there is no such workspace')
  }
  const subdomain = typeof pasted === 'string' ? toSubdomain(pasted) : undefined
  if (subdomain === undefined) throw invalidSubdomain()
  assertClient(deps.config)
  return deps.db.transaction().execute(async (trx) => {
    const integration = await createIntegration(trx, { workspaceId, subdomain })
    if (wasConnected(integration)) throw alreadyConnected(integration)
    return invite(trx, deps.config, integration)
  })
}

/** The same for an integration that exists: it keeps its cursor and all that was imported. */
export async function beginReconnectOnce(
  deps: BeginDeps,
  integrationId: IntegrationId,
): Promise<Invitation> {
  return deps.db.transaction().execute(async (trx) => {
    const integration = await lockIntegration(trx, integrationId)
    if (integration === undefined) {
      throw new RequestError(404, 'not_found', 'there is no such integration')
    }
    if (integration.status === 'disconnected') {
      throw new RequestError(
        409,
        'disconnected',
        'this integration was disconnected: connect the account to its workspace again',
      )
    }
    assertClient(deps.config)
    return invite(trx, deps.config, integration)
  })
}

function wasConnected({ status, connectedAt }: Integration): boolean {
  return connectedAt !== null || status === 'active' || status === 'paused'
}

async function invite(
  trx: Transaction<Database>,
  config: Config,
  integration: { readonly id: IntegrationId; readonly subdomain: Subdomain },
): Promise<Invitation> {
  const state = randomBytes(32).toString('base64url')
  const codeVerifier = randomBytes(32).toString('base64url')
  const expiresAt = await insertConsent(trx, {
    state,
    integrationId: integration.id,
    verifier: seal(
      config.secrets.encryptionKeys,
      { integrationId: integration.id, field: 'code_verifier' },
      codeVerifier,
      randomBytes(NONCE_BYTES),
    ),
  })
  return {
    integrationId: integration.id,
    authorizeUrl: authorizeUrl(config.zendesk, integration.subdomain, {
      redirectUri: callbackAddress(config.publicUrl),
      state,
      codeVerifier,
    }),
    expiresAt,
  }
}

/** Where Zendesk sends people back to; it compares this with what is registered, and exactly. */
export function callbackAddress(publicUrl: string): string {
  return `${publicUrl}/oauth/zendesk/callback`
}

function assertClient({ zendesk, secrets }: Config): void {
  if (zendesk.clientId !== undefined && secrets.zendeskClientSecret !== undefined) return
  throw new RequestError(
    422,
    'client_not_configured',
    'no account can be connected before ZENDESK_CLIENT_ID and ZENDESK_CLIENT_SECRET are set',
  )
}

function invalidSubdomain(): RequestError {
  return new RequestError(
    422,
    'invalid_subdomain',
    'subdomain: expected the name of a Zendesk account, like "acme" of https://acme.zendesk.com',
  )
}

function alreadyConnected({ id, status }: Integration): RequestError {
  return new RequestError(
    409,
    'already_connected',
    `integration ${id} (${status}) connects this account already: POST /admin/integrations/${id}/reconnect renews its consent`,
  )
}
