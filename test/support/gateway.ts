import { randomBytes } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import type { Kysely } from 'kysely'
import { DateTime } from 'luxon'
import nock from 'nock'
import type { Database } from '../../db/schema.ts'
import type { TokenGrant } from '../../src/credential/credential.ts'
import { saveCredential } from '../../src/credential/store.ts'
import { IntegrationId, Subdomain } from '../../src/ids.ts'
import { type Config, type Environment, loadConfig } from '../../src/platform/config/config.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { ZendeskClient } from '../../src/zendesk/client.ts'
import type { ZendeskAccount } from '../../src/zendesk/types.ts'
import { testDatabase } from './database.ts'

/** Pauses of up to half a minute become some milliseconds: a minute lasts 60 ms. */
const SHORT_MINUTE = '60'

export function testConfig(environment: Environment = {}): Config {
  return loadConfig({
    DATABASE_URL: 'postgres://localhost/unused',
    ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
    ZENDESK_CLIENT_ID: 'hearflow',
    ZENDESK_CLIENT_SECRET: 'client-secret',
    ZENDESK_MINUTE_MS: SHORT_MINUTE,
    ...environment,
  })
}

export function aGrant(fields: Partial<TokenGrant> = {}): TokenGrant {
  return {
    accessToken: 'access-1',
    refreshToken: 'refresh-1',
    clientId: 'hearflow',
    scope: 'read',
    expiresAt: DateTime.utc().plus({ days: 1 }),
    refreshExpiresAt: DateTime.utc().plus({ days: 30 }),
    ...fields,
  }
}

/** An integration whose Zendesk no other test talks to. */
export async function anIntegration(db: Kysely<Database>): Promise<ZendeskAccount> {
  const subdomain = Subdomain.parse(`acme-${randomBytes(6).toString('hex')}`)
  const workspaceId = `workspace-${subdomain}`
  await db.insertInto('workspace').values({ id: workspaceId }).execute()
  const { id } = await db
    .insertInto('integration')
    .values({ workspaceId, subdomain })
    .returning('id')
    .executeTakeFirstOrThrow()
  return { integrationId: IntegrationId.parse(id), subdomain, quotaShare: 1, userId: null }
}

export async function storeGrant(
  db: Kysely<Database>,
  config: Config,
  { integrationId }: ZendeskAccount,
  grant: TokenGrant,
): Promise<void> {
  const keys = config.secrets.encryptionKeys
  await db.transaction().execute((trx) => saveCredential(trx, keys, integrationId, grant))
}

/** A client with a stored token, and the host that it talks to; every expected request must come. */
export async function testGateway(
  t: ExecutionContext,
  options: {
    readonly environment?: Environment
    readonly grant?: TokenGrant | null
    /** Who gave the consent; left out, nobody is compared with. */
    readonly userId?: number
  } = {},
) {
  // What is refused on purpose would fill the screen.
  setLogLevel('silent')
  const { db, url } = await testDatabase(t)
  const config = testConfig(options.environment)
  const account = { ...(await anIntegration(db)), userId: options.userId ?? null }
  const grant = options.grant === undefined ? aGrant() : options.grant
  if (grant !== null) await storeGrant(db, config, account, grant)
  const zendesk = new ZendeskClient({ db, config })
  t.teardown(() => zendesk[Symbol.asyncDispose]())
  const host = fakeZendesk(t, account.subdomain)
  const { signal } = new AbortController()
  return { db, url, config, account, zendesk, host, signal }
}

/** nock for one account. */
export function fakeZendesk(t: ExecutionContext, subdomain: Subdomain): nock.Scope {
  nock.disableNetConnect()
  nock.enableNetConnect(/^(127\.0\.0\.1|localhost)/)
  const host = nock(`https://${subdomain}.zendesk.com`)
  t.teardown(() => {
    const missing = host.pendingMocks()
    if (missing.length > 0) throw new Error(`requests that never came: ${missing.join(', ')}`)
  })
  return host
}
