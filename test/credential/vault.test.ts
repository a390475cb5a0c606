import test, { type ExecutionContext } from 'ava'
import { sql } from 'kysely'
import { DateTime } from 'luxon'
import type { TokenGrant } from '../../src/credential/credential.ts'
import { type RefreshDeps, freshCredential } from '../../src/credential/refresh-once.ts'
import { checkKeys } from '../../src/credential/keys-store.ts'
import { destroyCredential, readCredential } from '../../src/credential/store.ts'
import { CredentialError, ZendeskRefusedError } from '../../src/platform/errors.ts'
import { testDatabase } from '../support/database.ts'
import { aGrant, anIntegration, storeGrant, testConfig } from '../support/gateway.ts'

const config = testConfig()
const keys = config.secrets.encryptionKeys
const otherKey = { id: 'other', key: Buffer.alloc(32, 9) }

async function aVault(t: ExecutionContext, grant?: TokenGrant) {
  const { db } = await testDatabase(t)
  const account = await anIntegration(db)
  if (grant !== undefined) await storeGrant(db, config, account, grant)
  return { db, account, integrationId: account.integrationId }
}

function vault(db: RefreshDeps['db'], exchange: RefreshDeps['exchange']): RefreshDeps {
  return { db, keys, clientId: 'hearflow', exchange }
}

/** Gives `access-2`, `access-3` and so on, and remembers which refresh tokens it was shown. */
function tokenEndpoint(answer: (count: number) => Promise<TokenGrant> = nextPair) {
  const shown: string[] = []
  const exchange: RefreshDeps['exchange'] = (refreshToken) => {
    shown.push(refreshToken)
    return answer(shown.length)
  }
  return { shown, exchange }
}

function nextPair(count: number): Promise<TokenGrant> {
  return Promise.resolve(
    aGrant({ accessToken: `access-${count + 1}`, refreshToken: `refresh-${count + 1}` }),
  )
}

const dueGrant = aGrant({ expiresAt: DateTime.utc().minus({ seconds: 1 }) })

test('a stored credential is read back, and no token stands in the row', async (t) => {
  const { db, integrationId } = await aVault(t, aGrant())

  const credential = await readCredential(db, keys, integrationId)

  t.like(credential, { accessToken: 'access-1', refreshToken: 'refresh-1', scope: 'read' })
  const { rows } = await sql<{ text: string }>`select credential::text from credential`.execute(db)
  for (const secret of ['access-1', 'refresh-1']) {
    t.false(JSON.stringify(rows).includes(Buffer.from(secret).toString('hex')))
  }
})

test('a credential without a refresh token and without an end is kept as such', async (t) => {
  const grant = aGrant({ refreshToken: null, expiresAt: null, refreshExpiresAt: null })
  const { db, integrationId } = await aVault(t, grant)

  t.like(await readCredential(db, keys, integrationId), {
    refreshToken: null,
    expiresAt: null,
    refreshExpiresAt: null,
  })
})

test('a second pair takes the place of the first', async (t) => {
  const { db, account, integrationId } = await aVault(t, aGrant())

  await storeGrant(db, config, account, aGrant({ accessToken: 'access-2', scope: 'read write' }))

  t.like(await readCredential(db, keys, integrationId), {
    accessToken: 'access-2',
    scope: 'read write',
  })
})

test('a destroyed credential is gone', async (t) => {
  const { db, integrationId } = await aVault(t, aGrant())

  await db.transaction().execute((trx) => destroyCredential(trx, integrationId))

  t.is(await readCredential(db, keys, integrationId), undefined)
})

test('a row copied to another integration does not open', async (t) => {
  const { db, integrationId } = await aVault(t, aGrant())
  const other = await anIntegration(db)
  await sql`
    insert into credential (integration_id, key_id, client_id, access_token, scope)
    select ${other.integrationId}, key_id, client_id, access_token, scope from credential
    where integration_id = ${integrationId}`.execute(db)

  await t.throwsAsync(readCredential(db, keys, other.integrationId), {
    instanceOf: CredentialError,
  })
})

test('the keys are checked at the start: an empty vault and a known key pass', async (t) => {
  const { db, account } = await aVault(t)

  await t.notThrowsAsync(checkKeys(db, [otherKey]))
  await storeGrant(db, config, account, aGrant())
  await t.notThrowsAsync(checkKeys(db, [otherKey, ...keys]))
})

test('a key id that the environment lacks is named at the start', async (t) => {
  const { db } = await aVault(t, aGrant())

  const error = await t.throwsAsync(checkKeys(db, [otherKey]), { instanceOf: CredentialError })

  t.regex(error.message, /"test".*ENCRYPTION_KEYS.*add it back/)
})

test('another key under a stored id is found at the start', async (t) => {
  const { db } = await aVault(t, aGrant())

  const error = await t.throwsAsync(checkKeys(db, [{ ...otherKey, id: 'test' }]), {
    instanceOf: CredentialError,
  })

  t.regex(error.message, /"test".*does not open/)
})

test('a token that is not due is given without asking Zendesk', async (t) => {
  const { db, integrationId } = await aVault(t, aGrant())
  const { shown, exchange } = tokenEndpoint()

  const usable = await freshCredential(vault(db, exchange), integrationId)

  t.is(usable.credential.accessToken, 'access-1')
  t.false(usable.wasRefreshed)
  t.deepEqual(shown, [])
})

test('a token that is due is refreshed, and the new pair is stored', async (t) => {
  const { db, integrationId } = await aVault(t, dueGrant)
  const { shown, exchange } = tokenEndpoint()

  const usable = await freshCredential(vault(db, exchange), integrationId)

  t.true(usable.wasRefreshed)
  t.is(usable.credential.accessToken, 'access-2')
  t.deepEqual(shown, ['refresh-1'])
  t.like(await readCredential(db, keys, integrationId), {
    accessToken: 'access-2',
    refreshToken: 'refresh-2',
    refreshStartedAt: null,
  })
})

test('many who need a refresh at once cause one, and all get its token', async (t) => {
  const { db, integrationId } = await aVault(t, dueGrant)
  const { shown, exchange } = tokenEndpoint()

  const usable = await Promise.all(
    Array.from({ length: 8 }, () => freshCredential(vault(db, exchange), integrationId)),
  )

  t.deepEqual(shown, ['refresh-1'])
  t.deepEqual(new Set(usable.map((one) => one.credential.accessToken)), new Set(['access-2']))
  t.is(usable.filter((one) => one.wasRefreshed).length, 1)
})

test('a refused token is replaced by the stored one if another worker has refreshed', async (t) => {
  const { db, integrationId } = await aVault(t, aGrant({ accessToken: 'access-9' }))
  const { shown, exchange } = tokenEndpoint()

  const usable = await freshCredential(vault(db, exchange), integrationId, 'access-8')

  t.is(usable.credential.accessToken, 'access-9')
  t.deepEqual(shown, [])
})

test('a refused token that is the stored one forces a refresh', async (t) => {
  const { db, integrationId } = await aVault(t, aGrant())
  const { shown, exchange } = tokenEndpoint()

  const usable = await freshCredential(vault(db, exchange), integrationId, 'access-1')

  t.is(usable.credential.accessToken, 'access-2')
  t.deepEqual(shown, ['refresh-1'])
})

test('a pair whose commit fails is stored over another connection', async (t) => {
  const { db, integrationId } = await aVault(t, dueGrant)
  const exchange = async () => {
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where state = 'idle in transaction' and datname = current_database()`.execute(db)
    return nextPair(1)
  }

  const usable = await freshCredential(vault(db, exchange), integrationId)

  t.is(usable.credential.accessToken, 'access-2')
  t.like(await readCredential(db, keys, integrationId), {
    accessToken: 'access-2',
    refreshToken: 'refresh-2',
  })
})

test('a refused token without a refresh token, and no credential at all, ask to connect', async (t) => {
  const grant = aGrant({ refreshToken: null, expiresAt: null })
  const { db, integrationId } = await aVault(t, grant)
  const other = await anIntegration(db)
  const { shown, exchange } = tokenEndpoint()
  const deps = vault(db, exchange)

  for (const attempt of [
    freshCredential(deps, integrationId, 'access-1'),
    freshCredential(deps, other.integrationId),
  ]) {
    const error = await t.throwsAsync(attempt, { instanceOf: ZendeskRefusedError })
    t.is(error.integrationError, 'credentials_revoked')
  }
  t.deepEqual(shown, [])
})
