import test, { type ExecutionContext } from 'ava'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { IntegrationId } from '../../src/ids.ts'
import { findIntegration, markConnected } from '../../src/integration/store.ts'
import { type Consent, startConsent } from '../support/consent.ts'
import { untilBlocked } from '../support/database.ts'
import { type Answer, stateOf } from '../support/web.ts'

function assertPage(t: ExecutionContext, page: Answer, status: number, text: RegExp): void {
  t.is(page.status, status)
  t.is(page.headers.get('content-type'), 'text/html; charset=utf-8')
  t.regex(page.text, text)
}

async function statusOf(db: Kysely<Database>): Promise<[string, string | null]> {
  const { status, errorCode } = await db
    .selectFrom('integration')
    .selectAll()
    .executeTakeFirstOrThrow()
  return [status, errorCode]
}

async function hasStoredNothing(t: ExecutionContext, { db }: Consent): Promise<void> {
  for (const table of ['credential', 'run', 'cursor'] as const) {
    t.deepEqual(await db.selectFrom(table).selectAll().execute(), [], table)
  }
}

test('a state works once', async (t) => {
  const { begin, consent, open, db } = await startConsent(t)
  const callback = await consent(await begin())
  await open(callback)
  const before = await stateOf(db)

  const again = await open(callback)

  assertPage(t, again, 400, /used or has expired/)
  t.deepEqual(await stateOf(db), before)
})

test('of two callbacks at the same time with one state only one connects', async (t) => {
  const { begin, consent, open, db } = await startConsent(t)
  const callback = await consent(await begin())

  const pages = await Promise.all([open(callback), open(callback), open(callback)])

  t.is(pages.filter((page) => page.status === 200).length, 1)
  t.is(pages.filter((page) => page.status === 400).length, 2)
  t.is((await db.selectFrom('run').selectAll().execute()).length, 1)
})

test('a state that is unknown, missing, empty or doubled changes nothing', async (t) => {
  const { begin, consent, open, db, simulator } = await startConsent(t)
  const callback = await consent(await begin())
  const before = await stateOf(db)
  const code = callback.searchParams.get('code') ?? ''
  const state = callback.searchParams.get('state') ?? ''
  const queries = [
    '',
    `?code=${code}`,
    `?code=${code}&state=`,
    `?code=${code}&state=${'A'.repeat(43)}`,
    `?code=${code}&state=${state}x`,
    `?code=${code}&state=${state.toUpperCase()}`,
    `?code=${code}&state=${state}&state=${state}`,
    `?error=access_denied&state=%00`,
  ]

  for (const search of queries) {
    const page = await open(new URL(`${callback.pathname}${search}`, callback))
    assertPage(t, page, 400, /used or has expired/)
  }

  t.deepEqual(await stateOf(db), before)
  t.is((await simulator.tokenUse('acme')).grantsIssued, 0)
  t.is((await open(callback)).status, 200)
})

test('a state that has expired changes nothing', async (t) => {
  const { begin, consent, open, db } = await startConsent(t)
  const callback = await consent(await begin())
  await db
    .updateTable('consent')
    .set({ expiresAt: sql<Date>`now()` })
    .execute()
  const before = await stateOf(db)

  assertPage(t, await open(callback), 400, /used or has expired/)

  t.deepEqual(await stateOf(db), before)
})

test('a link works once, also when another one was asked for meanwhile', async (t) => {
  const { begin, consent, open, db } = await startConsent(t)
  const older = await consent(await begin())
  const newer = await consent(await begin())

  t.is((await open(older)).status, 200)
  const before = await stateOf(db)

  assertPage(t, await open(older), 400, /used or has expired/)
  t.deepEqual(await stateOf(db), before)
  t.is((await open(newer)).status, 200)
})

test('the code of another account does not connect this one', async (t) => {
  const world = await startConsent(t)
  const { begin, consent, open, db } = world
  const callback = await consent(await begin('acme'))
  const foreign = await consent(await begin('other'))
  callback.searchParams.set('code', foreign.searchParams.get('code') ?? '')

  assertPage(t, await open(callback), 400, /expired or was used before/)

  await hasStoredNothing(t, world)
  const rows = await db.selectFrom('integration').select('status').execute()
  t.deepEqual(
    rows.map(({ status }) => status),
    ['pending', 'pending'],
  )
})

test('a link to an account that was disconnected meanwhile changes nothing', async (t) => {
  const world = await startConsent(t)
  const callback = await world.consent(await world.begin())
  await world.db.updateTable('integration').set({ status: 'disconnected' }).execute()

  assertPage(t, await world.open(callback), 400, /used or has expired/)

  await hasStoredNothing(t, world)
})

test('a look ahead does not use the link up', async (t) => {
  const { begin, consent, open, url } = await startConsent(t)
  const { pathname, search, href } = await consent(await begin())

  const head = await fetch(`${url}${pathname}${search}`, { method: 'HEAD' })

  t.is(head.status, 405)
  t.is((await open(new URL(href))).status, 200)
})

test('a denied consent leaves the integration pending', async (t) => {
  const world = await startConsent(t, { settings: { consent: 'deny' } })
  const { begin, consent, open, db } = world
  const callback = await consent(await begin())
  const before = await stateOf(db)

  assertPage(t, await open(callback), 403, /access_denied.*Nothing was stored/s)

  t.deepEqual(await stateOf(db), before)
  assertPage(t, await open(callback), 400, /used or has expired/)
})

test('another error of the consent page is named and leaves the integration pending', async (t) => {
  const world = await startConsent(t, { overrides: { ZENDESK_SCOPE: 'read nonsense' } })
  const { connect, db } = world

  assertPage(t, await connect(), 400, /invalid_scope.*Nothing was stored/s)

  t.deepEqual(await statusOf(db), ['pending', null])
  await hasStoredNothing(t, world)
})

test('what a query says is not repeated on the page', async (t) => {
  const { begin, consent, open } = await startConsent(t)
  for (const error of ['<script>x</script>', 'constructor', '__proto__', 'free text']) {
    const callback = await consent(await begin())
    callback.searchParams.set('error', error)
    callback.searchParams.set('error_description', 'free text')

    const page = await open(callback)

    assertPage(t, page, 400, /the reason it gave is not known here/)
    t.false(/<script|free text|constructor|__proto__/.test(page.text))
  }
})

test('a callback without a code leaves the integration pending', async (t) => {
  const world = await startConsent(t)
  const callback = await world.consent(await world.begin())
  callback.searchParams.delete('code')

  assertPage(t, await world.open(callback), 400, /no authorization code/)

  t.deepEqual(await statusOf(world.db), ['pending', null])
  await hasStoredNothing(t, world)
})

test('a code that has expired leaves the integration pending', async (t) => {
  const world = await startConsent(t)
  const callback = await world.consent(await world.begin())
  await world.simulator.advanceClock(121_000)

  assertPage(t, await world.open(callback), 400, /expired or was used before/)

  t.deepEqual(await statusOf(world.db), ['pending', null])
  await hasStoredNothing(t, world)
})

test('a code that was used before leaves the integration pending', async (t) => {
  const world = await startConsent(t, { settings: { role: 'agent' } })
  const used = await world.consent(await world.begin())
  await world.open(used)
  await world.simulator.setAccount('acme', { role: 'admin' })
  const callback = await world.consent(await world.begin())
  callback.searchParams.set('code', used.searchParams.get('code') ?? '')

  assertPage(t, await world.open(callback), 400, /expired or was used before/)

  await hasStoredNothing(t, world)
})

test('a wrong client secret makes the integration errored, and nothing is stored', async (t) => {
  const world = await startConsent(t)

  assertPage(t, await world.connect('stricter'), 422, /client_rejected.*ZENDESK_CLIENT_SECRET/s)

  t.deepEqual(await statusOf(world.db), ['errored', 'client_rejected'])
  await hasStoredNothing(t, world)
  const list = await world.ask('GET', '/admin/integrations?status=errored')
  t.like(list.at('data.0'), { status: 'errored', reconnect_required: true, connected_at: null })
  t.regex(String(list.at('data.0.error.action')), /ZENDESK_CLIENT_SECRET/)
})

for (const [who, settings] of [
  ['a user who is no administrator', { role: 'agent' }],
  ['nobody', { anonymous: true }],
] as const) {
  test(`a token of ${who} makes the integration errored, and is given back`, async (t) => {
    const world = await startConsent(t, { settings })

    assertPage(t, await world.connect(), 403, /role_insufficient.*administrator/s)

    t.deepEqual(await statusOf(world.db), ['errored', 'role_insufficient'])
    await hasStoredNothing(t, world)
    const { grantsIssued, grantsAlive } = await world.simulator.tokenUse('acme')
    t.deepEqual([grantsIssued, grantsAlive], [1, 0])
  })
}

test('an integration that was errored before it was connected is taken up again', async (t) => {
  const world = await startConsent(t, { settings: { role: 'agent' } })
  const begun = await world.begin()
  await world.open(await world.consent(begun))
  await world.simulator.setAccount('acme', { role: 'admin' })

  const again = await world.begin()
  t.is(again.at('integration_id'), begun.at('integration_id'))
  t.is((await world.open(await world.consent(again))).status, 200)

  t.deepEqual(await statusOf(world.db), ['active', null])
})

test('a renewal by a user without rights does not take down what works', async (t) => {
  const { ask, connect, consent, open, db, simulator } = await startConsent(t)
  await connect()
  const before = await stateOf(db)
  const { id } = await db.selectFrom('integration').select('id').executeTakeFirstOrThrow()
  await simulator.setAccount('acme', { role: 'agent' })

  const link = await ask('POST', `/admin/integrations/${id}/reconnect`)
  assertPage(t, await open(await consent(link)), 403, /role_insufficient/)

  t.deepEqual(await stateOf(db), before)
  t.is((await simulator.tokenUse('acme')).grantsAlive, 1)
})

test('a consent without rights does not take down what another one has connected meanwhile', async (t) => {
  const { begin, consent, open, db } = await startConsent(t, { settings: { role: 'agent' } })
  const begun = await begin()
  const id = IntegrationId.parse(begun.at('integration_id'))
  const pending = await findIntegration(db, id)
  const other = await db.startTransaction().execute()
  await markConnected(other, pending!, 7)

  const opened = open(await consent(begun))
  await untilBlocked(db)
  await other.commit().execute()

  assertPage(t, await opened, 403, /role_insufficient/)
  t.deepEqual(await statusOf(db), ['active', null])
})

test('a client that is rejected stops nothing whose token is never refreshed', async (t) => {
  const { ask, connect, consent, open, db } = await startConsent(t)
  await connect()
  await db.updateTable('credential').set({ refreshToken: null, renewBy: null }).execute()
  await db.updateTable('integration').set({ subdomain: 'stricter' }).execute()
  const { id } = await db.selectFrom('integration').select('id').executeTakeFirstOrThrow()

  const link = await ask('POST', `/admin/integrations/${id}/reconnect`)
  assertPage(t, await open(await consent(link)), 422, /client_rejected/)

  t.deepEqual(await statusOf(db), ['active', null])
})

for (const [what, fault] of [
  ['cannot be reached', { kind: 'reset' }],
  ['is down', { kind: 'status', status: 503 }],
  ['answers with a page', { kind: 'html' }],
  ['asks to wait', { kind: 'rate_limited', retryAfter: '30' }],
  ['gives no token', { kind: 'missing_field', field: 'access_token' }],
] as const) {
  test(`when Zendesk ${what} the integration stays pending`, async (t) => {
    const world = await startConsent(t)
    const callback = await world.consent(await world.begin())
    await world.simulator.setFault({ ...fault, path: '/oauth/tokens', times: null })

    assertPage(t, await world.open(callback), 424, /Nothing was stored.*new link/s)

    t.deepEqual(await statusOf(world.db), ['pending', null])
    await hasStoredNothing(t, world)
  })
}

test('when the new token cannot be tried out the integration stays pending', async (t) => {
  const world = await startConsent(t)
  const callback = await world.consent(await world.begin())
  await world.simulator.setFault({ kind: 'status', status: 500, path: '/users/me', times: null })

  assertPage(t, await world.open(callback), 424, /could not be reached/)

  t.deepEqual(await statusOf(world.db), ['pending', null])
  await hasStoredNothing(t, world)
  t.is((await world.simulator.tokenUse('acme')).grantsAlive, 0)
})

test('when the connection cannot be stored nothing of it is, and the token is given back', async (t) => {
  const world = await startConsent(t)
  const callback = await world.consent(await world.begin())
  await sql`alter table cursor add constraint never check (false)`.execute(world.db)

  assertPage(t, await world.open(callback), 500, /went wrong on our side/)

  t.deepEqual(await statusOf(world.db), ['pending', null])
  await hasStoredNothing(t, world)
  const { grantsIssued, grantsAlive } = await world.simulator.tokenUse('acme')
  t.deepEqual([grantsIssued, grantsAlive], [1, 0])
})
