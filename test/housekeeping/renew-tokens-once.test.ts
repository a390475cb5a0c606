import test, { type ExecutionContext } from 'ava'
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { readCredential } from '../../src/credential/store.ts'
import { healClientOnce } from '../../src/housekeeping/heal-client-once.ts'
import { renewTokensOnce } from '../../src/housekeeping/renew-tokens-once.ts'
import type { IntegrationId } from '../../src/ids.ts'
import {
  findIntegration,
  flagErrored,
  flagRefused,
  markConnected,
} from '../../src/integration/store.ts'
import type { IntegrationErrorCode } from '../../src/platform/errors.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { insertRun, failRun } from '../../src/run/store.ts'
import { ZendeskClient } from '../../src/zendesk/client.ts'
import { testDatabase } from '../support/database.ts'
import { aGrant, anIntegration, fakeZendesk, storeGrant, testConfig } from '../support/gateway.ts'
import { HTML, pairJson } from '../support/zendesk-json.ts'

const config = testConfig()
const keys = config.secrets.encryptionKeys
const { signal } = new AbortController()
const REJECTED = { error: 'invalid_client' }

async function aHouse(t: ExecutionContext) {
  setLogLevel('silent')
  const { db } = await testDatabase(t)
  const zendesk = new ZendeskClient({ db, config })
  t.teardown(() => zendesk[Symbol.asyncDispose]())
  const connected = async (status: 'active' | 'paused' = 'active', clientId = 'hearflow') => {
    const account = await anIntegration(db)
    await storeGrant(db, config, account, aGrant({ clientId }))
    await db
      .updateTable('integration')
      .set({ status })
      .where('id', '=', account.integrationId)
      .execute()
    return { id: account.integrationId, host: fakeZendesk(t, account.subdomain) }
  }
  return { db, deps: { db, zendesk, quotaShare: 0.5, timeUtc: '04:00' }, connected }
}

function letFallDue(db: Kysely<Database>, id: IntegrationId) {
  return db
    .updateTable('credential')
    .set({ renewBy: new Date(Date.now() - 1_000) })
    .where('integrationId', '=', id)
    .execute()
}

function integrationOf(db: Kysely<Database>, id: IntegrationId) {
  return db.selectFrom('integration').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
}

async function accessTokenOf(db: Kysely<Database>, id: IntegrationId) {
  return (await readCredential(db, keys, id))?.accessToken
}

async function hoursToRenewal(db: Kysely<Database>, id: IntegrationId): Promise<number> {
  const { hours } = await db
    .selectFrom('credential')
    .select(sql<number>`extract(epoch from renew_by - now())::float8 / 3600`.as('hours'))
    .where('integrationId', '=', id)
    .executeTakeFirstOrThrow()
  return Math.round(hours)
}

for (const status of ['active', 'paused'] as const) {
  test(`a refresh token that nobody used for half of its life is renewed: ${status}`, async (t) => {
    const { db, deps, connected } = await aHouse(t)
    const { id, host } = await connected(status)
    await letFallDue(db, id)
    host.post('/oauth/tokens').reply(200, pairJson(2))

    t.deepEqual(await renewTokensOnce(deps, signal), { renewed: 1, refused: 0, postponed: 0 })

    t.is(await accessTokenOf(db, id), 'access-2')
    t.like(await integrationOf(db, id), { status })
    t.true((await hoursToRenewal(db, id)) > 24)
  })
}

test('a refresh token that is not half way to its end is left alone', async (t) => {
  const { db, deps, connected } = await aHouse(t)
  const { id } = await connected()

  t.deepEqual(await renewTokensOnce(deps, signal), { renewed: 0, refused: 0, postponed: 0 })
  t.is(await hoursToRenewal(db, id), 15 * 24)
})

for (const [code, isRenewed] of [
  ['role_insufficient', true],
  ['scope_insufficient', true],
  ['zendesk_shape', true],
  ['client_rejected', true],
  ['credentials_revoked', false],
  ['refresh_token_missing', false],
  ['refresh_token_expired', false],
  ['account_changed', false],
] as const) {
  test(`tokens of an integration that is ${code} are ${isRenewed ? '' : 'not '}kept alive`, async (t) => {
    const { db, deps, connected } = await aHouse(t)
    const { id, host } = await connected()
    await flagErrored(db, id, { code, message: 'told' })
    await letFallDue(db, id)
    if (isRenewed) host.post('/oauth/tokens').reply(200, pairJson(2))

    const { renewed } = await renewTokensOnce(deps, signal)

    t.is(renewed, isRenewed ? 1 : 0)
    t.is(await accessTokenOf(db, id), isRenewed ? 'access-2' : 'access-1')
    const { status, errorCode } = await integrationOf(db, id)
    const isHealed = code === 'client_rejected'
    t.is(status, isHealed ? 'active' : 'errored')
    t.is(errorCode, isHealed ? null : code)
  })
}

test('tokens of a disconnected integration are not renewed', async (t) => {
  const { db, deps, connected } = await aHouse(t)
  const { id } = await connected()
  await db.updateTable('integration').set({ status: 'disconnected' }).execute()
  await letFallDue(db, id)

  t.is((await renewTokensOnce(deps, signal)).renewed, 0)
})

test('a renewal that is refused flags the integration', async (t) => {
  const { db, deps, connected } = await aHouse(t)
  const { id, host } = await connected('paused')
  await letFallDue(db, id)
  host.post('/oauth/tokens').reply(400, { error: 'invalid_grant' })

  t.deepEqual(await renewTokensOnce(deps, signal), { renewed: 0, refused: 1, postponed: 0 })
  t.like(await integrationOf(db, id), { status: 'errored', errorCode: 'credentials_revoked' })
})

test('a renewal that cannot be had just now flags nothing and is put off by an hour', async (t) => {
  const { db, deps, connected } = await aHouse(t)
  const { id, host } = await connected()
  await letFallDue(db, id)
  host.post('/oauth/tokens').reply(502, HTML)

  t.deepEqual(await renewTokensOnce(deps, signal), { renewed: 0, refused: 0, postponed: 1 })

  t.like(await integrationOf(db, id), { status: 'active' })
  t.is(await hoursToRenewal(db, id), 1)
  t.deepEqual(await renewTokensOnce(deps, signal), { renewed: 0, refused: 0, postponed: 0 })
})

test('two workers renew each token once', async (t) => {
  const { db, deps, connected } = await aHouse(t)
  const all = await Promise.all(Array.from({ length: 8 }, () => connected()))
  for (const { id, host } of all) {
    await letFallDue(db, id)
    host.post('/oauth/tokens').reply(200, pairJson(2))
  }

  const counts = await Promise.all([renewTokensOnce(deps, signal), renewTokensOnce(deps, signal)])

  t.is(counts[0].renewed + counts[1].renewed, 8)
  t.is(counts[0].postponed + counts[1].postponed, 0)
})

test('a rejected client flags all that work with it, and no more is sent', async (t) => {
  const { db, deps, connected } = await aHouse(t)
  const first = await connected()
  const second = await connected('paused')
  const other = await connected('active', 'another-client')
  const revoked = await connected()
  await flagErrored(db, revoked.id, { code: 'credentials_revoked', message: 'told' })
  await letFallDue(db, first.id)
  first.host.post('/oauth/tokens').reply(401, REJECTED)

  t.like(await renewTokensOnce(deps, signal), { refused: 1 })

  for (const { id } of [first, second]) {
    t.like(await integrationOf(db, id), { status: 'errored', errorCode: 'client_rejected' })
  }
  t.like(await integrationOf(db, other.id), { status: 'active' })
  t.like(await integrationOf(db, revoked.id), { errorCode: 'credentials_revoked' })
  t.is(await accessTokenOf(db, first.id), 'access-1')
})

test('a rejected client does not stop what is never refreshed', async (t) => {
  const { db, deps, connected } = await aHouse(t)
  const first = await connected()
  const lasting = await connected()
  const forEver = { refreshToken: null, renewBy: null, expiresAt: null }
  await db.updateTable('credential').set(forEver).where('integrationId', '=', lasting.id).execute()
  await letFallDue(db, first.id)
  first.host.post('/oauth/tokens').reply(401, REJECTED)

  t.like(await renewTokensOnce(deps, signal), { refused: 1 })

  t.like(await integrationOf(db, first.id), { status: 'errored' })
  t.like(await integrationOf(db, lasting.id), { status: 'active' })
})

test('a refusal that a new consent has overtaken flags nothing', async (t) => {
  const { db, deps, connected } = await aHouse(t)
  const due = await connected()
  const standing = await connected()
  const consent = async (id: IntegrationId): Promise<void> => {
    const integration = await findIntegration(db, id)
    await db.transaction().execute((trx) => markConnected(trx, integration!, 7))
  }
  await letFallDue(db, due.id)
  await flagErrored(db, standing.id, rejected)
  for (const { id, host } of [due, standing]) {
    host.post('/oauth/tokens').reply(400, async () => {
      await consent(id)
      return { error: 'invalid_grant' }
    })
  }

  t.deepEqual(await renewTokensOnce(deps, signal), { renewed: 0, refused: 0, postponed: 1 })
  t.deepEqual(await healClientOnce(deps, signal), { healed: 0, refused: 1 })

  for (const { id } of [due, standing]) t.like(await integrationOf(db, id), { status: 'active' })
})

const rejected = {
  code: 'client_rejected' satisfies IntegrationErrorCode,
  message: 'Zendesk rejects our OAuth client',
} as const

test('as soon as the client is accepted, all go on as they were', async (t) => {
  const { db, deps, connected } = await aHouse(t)
  const working = await connected()
  const paused = await connected('paused')
  for (const { host } of [working, paused]) host.post('/oauth/tokens').reply(200, pairJson(2))
  const windowFrom = new Date('2026-01-01T00:00:00Z')
  const runId = await db
    .transaction()
    .execute((trx) => insertRun(trx, { integrationId: working.id, kind: 'backfill', windowFrom }))
  await flagRefused(db, working.id, rejected)
  await failRun(db, runId, rejected)

  t.deepEqual(await healClientOnce(deps, signal), { healed: 2, refused: 0 })

  t.like(await integrationOf(db, working.id), { status: 'active', errorCode: null })
  t.like(await integrationOf(db, paused.id), { status: 'paused', errorCode: null })
  const runs = await db.selectFrom('run').selectAll().orderBy('createdAt').execute()
  t.deepEqual(
    runs.map((run) => [run.integrationId, run.state, run.windowFrom.toJSDate()]),
    [
      [working.id, 'failed', windowFrom],
      [working.id, 'queued', windowFrom],
    ],
  )
})

test('a run that failed for another reason is not taken up, but what was missed is made up for', async (t) => {
  const { db, deps, connected } = await aHouse(t)
  const { id, host } = await connected()
  host.post('/oauth/tokens').reply(200, pairJson(2))
  const runId = await db
    .transaction()
    .execute((trx) =>
      insertRun(trx, { integrationId: id, kind: 'backfill', windowFrom: new Date() }),
    )
  await failRun(db, runId, { code: 'retries_exhausted', message: 'told' })
  await flagRefused(db, id, rejected)

  await healClientOnce(deps, signal)

  const runs = await db.selectFrom('run').select(['kind', 'state']).orderBy('createdAt').execute()
  t.deepEqual(runs, [
    { kind: 'backfill', state: 'failed' },
    { kind: 'sync', state: 'queued' },
  ])
})

test('a client that stays rejected is tried three times, each time elsewhere', async (t) => {
  const { db, deps, connected } = await aHouse(t)
  const all = await Promise.all(Array.from({ length: 5 }, () => connected()))
  let asked = 0
  for (const { host } of all) {
    host
      .post('/oauth/tokens')
      .optionally()
      .reply(401, () => {
        asked += 1
        return REJECTED
      })
  }
  await flagRefused(db, all[0]!.id, rejected)

  t.deepEqual(await healClientOnce(deps, signal), { healed: 0, refused: 3 })
  t.is(asked, 3)
  // Each of those was asked once, as nock says; the other two have their turn now.
  t.deepEqual(await healClientOnce(deps, signal), { healed: 0, refused: 2 })
  t.is(asked, 5)
  t.deepEqual(await healClientOnce(deps, signal), { healed: 0, refused: 0 })
  const errors = await db.selectFrom('integration').select('errorCode').distinct().execute()
  t.deepEqual(errors, [{ errorCode: 'client_rejected' }])
})

test('one that stays rejected keeps no other one from going on', async (t) => {
  const { db, deps, connected } = await aHouse(t)
  const all = await Promise.all(Array.from({ length: 4 }, () => connected()))
  const [odd, ...others] = all
  odd!.host.post('/oauth/tokens').reply(401, REJECTED)
  for (const { host } of others) host.post('/oauth/tokens').reply(200, pairJson(2))
  await flagRefused(db, odd!.id, rejected)

  t.deepEqual(await healClientOnce(deps, signal), { healed: 3, refused: 1 })

  t.like(await integrationOf(db, odd!.id), { errorCode: 'client_rejected' })
  for (const { id } of others) t.like(await integrationOf(db, id), { status: 'active' })
})

test('tokens found to be dead on that occasion ask for a new consent', async (t) => {
  const { db, deps, connected } = await aHouse(t)
  const { id, host } = await connected()
  host.post('/oauth/tokens').reply(400, { error: 'invalid_grant' })
  await flagRefused(db, id, rejected)

  t.deepEqual(await healClientOnce(deps, signal), { healed: 0, refused: 1 })
  t.like(await integrationOf(db, id), { status: 'errored', errorCode: 'credentials_revoked' })
})
