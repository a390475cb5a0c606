import test, { type ExecutionContext } from 'ava'
import { DateTime } from 'luxon'
import type { TokenGrant } from '../../src/credential/credential.ts'
import { markRefreshStarted } from '../../src/credential/intent-store.ts'
import {
  type RefreshDeps,
  freshCredential,
  renewCredential,
} from '../../src/credential/refresh-once.ts'
import { readCredential } from '../../src/credential/store.ts'
import { flagErrored } from '../../src/integration/store.ts'
import {
  BudgetSpentError,
  type IntegrationErrorCode,
  ZendeskRefusedError,
  ZendeskUnavailableError,
} from '../../src/platform/errors.ts'
import { testDatabase } from '../support/database.ts'
import { aGrant, anIntegration, storeGrant, testConfig } from '../support/gateway.ts'

const config = testConfig()
const keys = config.secrets.encryptionKeys

/** Its access token has ended. */
const endedGrant = aGrant({ expiresAt: DateTime.utc().minus({ seconds: 1 }) })

/** Its access token is to be replaced, and lives for another minute. */
const dueGrant = aGrant({ expiresAt: DateTime.utc().plus({ minutes: 1 }) })

const secondPair = aGrant({ accessToken: 'access-2', refreshToken: 'refresh-2' })

/** A vault with this pair, before a token endpoint that answers what it is given to answer. */
async function aVault(t: ExecutionContext, grant: TokenGrant) {
  const { db } = await testDatabase(t)
  const account = await anIntegration(db)
  await storeGrant(db, config, account, grant)
  // What the vault reads back of a pair stored this long ago has not just been refreshed.
  const refreshedAt = DateTime.utc().minus({ days: 1 }).toJSDate()
  await db.updateTable('credential').set({ refreshedAt }).execute()
  const { integrationId } = account
  const sent: string[] = []
  const vault = (answer: () => Promise<TokenGrant>): RefreshDeps => ({
    db,
    keys,
    clientId: 'hearflow',
    exchange: (refreshToken) => {
      sent.push(refreshToken)
      return answer()
    },
  })
  const stored = async () => {
    const credential = await readCredential(db, keys, integrationId)
    if (credential === undefined) throw new Error('no credential')
    return credential
  }
  return { db, integrationId, sent, vault, stored }
}

const gives = (grant: TokenGrant) => () => Promise.resolve(grant)
const fails = (error: Error) => () => Promise.reject(error)
const refuses = (code: IntegrationErrorCode) => fails(new ZendeskRefusedError(code, `told ${code}`))

const unavailable = new ZendeskUnavailableError('the token endpoint answers 502', 502)
const silent = new ZendeskUnavailableError('no whole answer from Zendesk (ECONNRESET)')
const limited = new BudgetSpentError('the token endpoint asked to wait', new Date())

for (const error of [unavailable, silent, limited]) {
  test(`a token that still lives is used on although "${error.message}"`, async (t) => {
    const { integrationId, sent, vault } = await aVault(t, dueGrant)

    const usable = await freshCredential(vault(fails(error)), integrationId)

    t.is(usable.credential.accessToken, 'access-1')
    t.false(usable.wasRefreshed)
    t.true(usable.useUntilMs > Date.now(), 'the next request does not ask again')
    t.true(usable.useUntilMs <= Date.now() + 20_000, 'one soon after it does')
    t.deepEqual(sent, ['refresh-1'])
  })

  test(`a token that has ended or was refused cannot be used on where "${error.message}"`, async (t) => {
    for (const [grant, refused] of [
      [endedGrant, undefined],
      [dueGrant, 'access-1'],
    ] as const) {
      const { integrationId, vault } = await aVault(t, grant)
      await t.throwsAsync(freshCredential(vault(fails(error)), integrationId, refused), {
        is: error,
      })
    }
  })
}

test('a token that lives is not used on for longer than it lives', async (t) => {
  const expiresAt = DateTime.utc().plus({ seconds: 15 })
  const { integrationId, vault } = await aVault(t, { ...dueGrant, expiresAt })

  const { useUntilMs } = await freshCredential(vault(fails(unavailable)), integrationId)

  t.is(useUntilMs, expiresAt.toMillis())
})

test('a refusal is told at once, also while the token still lives', async (t) => {
  const { integrationId, vault } = await aVault(t, dueGrant)

  await t.throwsAsync(freshCredential(vault(refuses('client_rejected')), integrationId), {
    instanceOf: ZendeskRefusedError,
  })
})

test('the intent is committed before Zendesk is asked, and ends with the new pair', async (t) => {
  const { integrationId, vault, stored } = await aVault(t, endedGrant)
  let meanwhile: DateTime | null = null
  const answer = async () => {
    meanwhile = (await stored()).refreshStartedAt
    return secondPair
  }

  await freshCredential(vault(answer), integrationId)

  t.true(DateTime.isDateTime(meanwhile))
  t.is((await stored()).refreshStartedAt, null)
})

for (const [error, isKept] of [
  [unavailable, true],
  [silent, true],
  [limited, false],
  [new ZendeskRefusedError('client_rejected', 'rejected'), false],
  [new ZendeskRefusedError('scope_insufficient', 'not granted'), false],
  [new ZendeskRefusedError('refresh_token_missing', 'half a pair'), true],
] as const) {
  const what = isKept ? 'keeps' : 'takes back'
  test(`"${error.message}" ${what} the intent and changes no token`, async (t) => {
    const { integrationId, vault, stored } = await aVault(t, endedGrant)

    await t.throwsAsync(freshCredential(vault(fails(error)), integrationId), { is: error })

    const { refreshStartedAt, accessToken, refreshToken } = await stored()
    t.is(refreshStartedAt !== null, isKept)
    t.deepEqual([accessToken, refreshToken], ['access-1', 'refresh-1'])
  })
}

test('after a refresh of which nobody knows the end, the old pair is tried once', async (t) => {
  const { integrationId, sent, vault } = await aVault(t, endedGrant)
  await t.throwsAsync(freshCredential(vault(fails(silent)), integrationId))

  const usable = await freshCredential(vault(gives(secondPair)), integrationId)

  t.is(usable.credential.accessToken, 'access-2')
  t.deepEqual(sent, ['refresh-1', 'refresh-1'])
})

test('an old pair that is refused then was spent by the refresh that was cut short', async (t) => {
  const { db, integrationId, vault } = await aVault(t, endedGrant)
  await db.transaction().execute((trx) => markRefreshStarted(trx, integrationId))

  const error = await t.throwsAsync(
    freshCredential(vault(refuses('credentials_revoked')), integrationId),
    { instanceOf: ZendeskRefusedError },
  )

  t.is(error.integrationError, 'credentials_revoked')
  t.regex(error.message, /cut short.*connect the account again/)
})

test('what a refresh left open stays open when the next one is declined', async (t) => {
  const { integrationId, vault, stored } = await aVault(t, endedGrant)
  await t.throwsAsync(freshCredential(vault(fails(silent)), integrationId))

  await t.throwsAsync(freshCredential(vault(fails(limited)), integrationId))

  t.not((await stored()).refreshStartedAt, null)
})

test('a refresh that another worker has under way is not one that was cut short', async (t) => {
  const { integrationId, sent, vault } = await aVault(t, endedGrant)
  const waiting = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  const first = freshCredential(
    vault(async () => {
      asked.resolve()
      await waiting.promise
      throw limited
    }),
    integrationId,
  )
  await asked.promise

  // It reads the intent of the first one, waits for its end, and is refused.
  const second = freshCredential(vault(refuses('credentials_revoked')), integrationId)
  waiting.resolve()

  await t.throwsAsync(first, { is: limited })
  await t.throwsAsync(second, { message: 'told credentials_revoked' })
  t.deepEqual(sent, ['refresh-1', 'refresh-1'])
})

test('a refresh token refused after its life is told apart', async (t) => {
  const refreshExpiresAt = DateTime.utc().minus({ minutes: 1 })
  const { integrationId, vault } = await aVault(t, { ...endedGrant, refreshExpiresAt })

  const error = await t.throwsAsync(
    freshCredential(vault(refuses('credentials_revoked')), integrationId),
    { instanceOf: ZendeskRefusedError },
  )

  t.is(error.integrationError, 'refresh_token_expired')
})

test('tokens of another OAuth client are not sent', async (t) => {
  const { integrationId, sent, vault, stored } = await aVault(t, {
    ...endedGrant,
    clientId: 'the-client-of-before',
  })

  const error = await t.throwsAsync(freshCredential(vault(gives(secondPair)), integrationId), {
    instanceOf: ZendeskRefusedError,
  })

  t.is(error.integrationError, 'client_rejected')
  t.regex(error.message, /ZENDESK_CLIENT_ID/)
  t.deepEqual(sent, [])
  t.is((await stored()).refreshStartedAt, null)
})

for (const [code, mayTry, mayRenew] of [
  ['credentials_revoked', false, false],
  ['refresh_token_missing', false, false],
  ['refresh_token_expired', false, false],
  ['account_changed', false, false],
  ['client_rejected', false, true],
  ['role_insufficient', true, true],
  ['zendesk_shape', true, true],
] as const) {
  test(`of an integration that is ${code}, ${mayTry ? 'a' : 'no'} pair is sent for a request`, async (t) => {
    const { db, integrationId, sent, vault } = await aVault(t, endedGrant)
    await flagErrored(db, integrationId, { code, message: `flagged ${code}` })

    const refresh = freshCredential(vault(gives(secondPair)), integrationId)

    if (mayTry) await t.notThrowsAsync(refresh)
    else await t.throwsAsync(refresh, { message: `flagged ${code}` })
    t.is(sent.length, mayTry ? 1 : 0)
  })

  test(`of an integration that is ${code}, ${mayRenew ? 'a' : 'no'} pair is renewed`, async (t) => {
    const { db, integrationId, sent, vault } = await aVault(t, aGrant())
    await flagErrored(db, integrationId, { code, message: `flagged ${code}` })

    const renewal = renewCredential(vault(gives(secondPair)), integrationId)

    if (mayRenew) t.true((await renewal).wasRefreshed)
    else await t.throwsAsync(renewal, { message: `flagged ${code}` })
    t.is(sent.length, mayRenew ? 1 : 0)
  })
}

test('two who renew one pair replace it once', async (t) => {
  const { integrationId, sent, vault, stored } = await aVault(t, aGrant())
  const waiting = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  const slowly = async () => {
    asked.resolve()
    await waiting.promise
    return secondPair
  }
  const first = renewCredential(vault(slowly), integrationId)
  await asked.promise
  const second = renewCredential(vault(slowly), integrationId)
  // The second one has read the pair that the first one replaces, or it reads the new one.
  waiting.resolve()
  await Promise.all([first, second])

  t.is((await stored()).accessToken, 'access-2')
  t.is(sent.filter((token) => token === 'refresh-1').length, 1)
})
