import test from 'ava'
import { flagErrored } from '../../src/integration/store.ts'
import { IntegrationId, RunId } from '../../src/ids.ts'
import { failRun, insertRun } from '../../src/run/store.ts'
import { startConsent } from '../support/consent.ts'
import { dumpRows } from '../support/dump.ts'
import { stateOf } from '../support/web.ts'

test('a link leads to the consent page of the account, with all that OAuth asks for', async (t) => {
  const { begin, config, simulator } = await startConsent(t)

  const begun = await begin('https://ACME.zendesk.com/agent')

  t.is(begun.status, 201)
  const url = new URL(String(begun.at('authorize_url')))
  t.is(`${url.origin}${url.pathname}`, `${simulator.url}/acme/oauth/authorizations/new`)
  t.like(Object.fromEntries(url.searchParams), {
    response_type: 'code',
    client_id: 'hearflow',
    redirect_uri: `${config.publicUrl}/oauth/zendesk/callback`,
    scope: 'read',
    code_challenge_method: 'S256',
  })
  t.regex(url.searchParams.get('state') ?? '', /^[\w-]{43}$/)
  t.regex(url.searchParams.get('code_challenge') ?? '', /^[\w-]{43}$/)
  const lifeMs = Date.parse(String(begun.at('expires_at'))) - Date.now()
  t.true(lifeMs > 9 * 60_000 && lifeMs <= 10 * 60_000 + 1_000)
})

test('a consent makes the integration active and queues its backfill', async (t) => {
  const { ask, begin, consent, open, db } = await startConsent(t)
  const begun = await begin()
  const id = String(begun.at('integration_id'))
  t.is((await ask('GET', `/admin/integrations/${id}`)).at('status'), 'pending')

  const page = await open(await consent(begun))

  t.is(page.status, 200)
  t.regex(page.text, /acme is connected/)
  const shown = await ask('GET', `/admin/integrations/${id}`)
  t.like(shown.json, { id, workspace_id: 'w1', subdomain: 'acme', status: 'active', error: null })
  t.like(shown.at('backfill'), { state: 'running', progress: 0, tickets_seen: 0 })
  const [run, ...more] = await db.selectFrom('run').selectAll().execute()
  t.deepEqual(more, [])
  t.like(run, { integrationId: id, kind: 'backfill', state: 'queued' })
  const cursor = await db.selectFrom('cursor').selectAll().executeTakeFirstOrThrow()
  t.is(cursor.startAt.toMillis(), run?.windowFrom.toMillis() ?? 0)
  const days = (Date.now() - cursor.startAt.toMillis()) / 86_400_000
  t.true(days >= 90 && days < 90.01)
  t.regex(JSON.stringify(await stateOf(db)), new RegExp(`"pgboss.job":\\[".*${id}`))
})

test('no token, state or verifier stands in the database', async (t) => {
  const { begin, consent, open, databaseUrl, simulator } = await startConsent(t)
  const callback = await consent(await begin())

  t.is((await open(callback)).status, 200)

  const dump = await dumpRows(databaseUrl)
  t.is((await simulator.tokenUse('acme')).grantsAlive, 1)
  for (const name of ['state', 'code']) {
    const secret = callback.searchParams.get(name) ?? ''
    t.true(secret.length >= 40)
    t.false(dump.includes(secret), name)
    t.false(dump.includes(Buffer.from(secret).toString('hex')), name)
  }
  for (const token of ['access_token', 'refresh_token']) {
    const sealed = new RegExp(`"${token}":"\\\\\\\\x([0-9a-f]+)"`).exec(dump)?.[1] ?? ''
    t.true(sealed.length > 2 * (12 + 16 + 20))
    t.false(Buffer.from(sealed, 'hex').toString('latin1').includes('acme'))
  }
})

test('the page loads nothing, is framed by nobody and keeps its address to itself', async (t) => {
  const { connect } = await startConsent(t)

  const { headers } = await connect()

  t.is(headers.get('content-type'), 'text/html; charset=utf-8')
  t.regex(headers.get('content-security-policy') ?? '', /^default-src 'none'; style-src 'sha256-/)
  t.regex(headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
  t.is(headers.get('referrer-policy'), 'no-referrer')
  t.is(headers.get('cache-control'), 'no-store')
})

test('asking again for an account that was never connected gives the same integration', async (t) => {
  const { begin, db } = await startConsent(t)

  const first = await begin('acme')
  const second = await begin('https://acme.zendesk.com')

  t.is(second.status, 201)
  t.is(second.at('integration_id'), first.at('integration_id'))
  t.not(second.at('authorize_url'), first.at('authorize_url'))
  t.is((await db.selectFrom('integration').selectAll().execute()).length, 1)
  t.is((await db.selectFrom('lease').selectAll().execute()).length, 1)
})

test('links asked for at the same time belong to one integration', async (t) => {
  const { begin } = await startConsent(t)

  const begun = await Promise.all([begin(), begin(), begin(), begin()])

  t.deepEqual(
    begun.map((answer) => answer.status),
    [201, 201, 201, 201],
  )
  t.is(new Set(begun.map((answer) => answer.at('integration_id'))).size, 1)
})

test('an account that is connected is not connected a second time', async (t) => {
  const { begin, connect, db } = await startConsent(t)
  await connect()
  const before = await stateOf(db)

  const again = await begin()

  t.is(again.status, 409)
  t.is(again.at('error.code'), 'already_connected')
  t.deepEqual(await stateOf(db), before)
})

test('two workspaces may connect the same account', async (t) => {
  const { ask, connect } = await startConsent(t)
  await connect()
  await ask('PUT', '/admin/workspaces/w2')

  const begun = await ask('POST', '/admin/workspaces/w2/zendesk', { json: { subdomain: 'acme' } })

  t.is(begun.status, 201)
})

test('nothing is connected for a workspace that does not exist', async (t) => {
  const { ask } = await startConsent(t)

  const begun = await ask('POST', '/admin/workspaces/w9/zendesk', { json: { subdomain: 'acme' } })

  t.is(begun.status, 404)
})

for (const subdomain of ['acme.evil.com', 'a_b', '', 'a'.repeat(64), '-a', 'a-', 'bücher']) {
  test(`the subdomain "${subdomain}" is refused before any link is made`, async (t) => {
    const { begin, db } = await startConsent(t)
    const before = await stateOf(db)

    const begun = await begin(subdomain)

    t.is(begun.status, 422)
    t.is(begun.at('error.code'), 'invalid_subdomain')
    t.deepEqual(await stateOf(db), before)
    t.deepEqual(await db.selectFrom('consent').selectAll().execute(), [])
  })
}

test('what is no text is no subdomain either', async (t) => {
  const { ask } = await startConsent(t)

  for (const json of [{}, { subdomain: null }, { subdomain: 7 }, { subdomain: ['acme'] }]) {
    const begun = await ask('POST', '/admin/workspaces/w1/zendesk', { json })
    t.is(begun.status, 422)
    t.is(begun.at('error.code'), 'invalid_subdomain')
  }
})

test('a body that is a list, or has more fields, is refused', async (t) => {
  const { ask } = await startConsent(t)

  for (const json of [{ subdomain: 'a', plan: 'pro' }, ['acme']]) {
    const begun = await ask('POST', '/admin/workspaces/w1/zendesk', { json })
    t.is(begun.status, 422)
    t.is(begun.at('error.code'), 'invalid_input')
  }
})

test('without an OAuth client no account can be connected, and that is said', async (t) => {
  const { begin, db } = await startConsent(t, {
    overrides: { ZENDESK_CLIENT_ID: '', ZENDESK_CLIENT_SECRET: '' },
  })

  const begun = await begin()

  t.is(begun.status, 422)
  t.is(begun.at('error.code'), 'client_not_configured')
  t.deepEqual(await db.selectFrom('integration').selectAll().execute(), [])
})

test('a reconnect renews the credential and keeps the cursor and the import', async (t) => {
  const { ask, begin, consent, connect, open, db } = await startConsent(t)
  await connect()
  const before = await stateOf(db)
  const { id } = await db.selectFrom('integration').selectAll().executeTakeFirstOrThrow()

  const link = await ask('POST', `/admin/integrations/${id}/reconnect`)
  t.is(link.status, 200)
  t.is(link.at('integration_id'), id)
  const page = await open(await consent(link))
  t.is(page.status, 200)
  t.regex(page.text, /acme is connected again/)

  const after = await stateOf(db)
  const kept = ({ integration: _, credential: __, ...rest }: Record<string, unknown>) => rest
  t.deepEqual(kept(after as never), kept(before as never))
  t.notDeepEqual((after as never)['credential'], (before as never)['credential'])
  t.is((await begin()).status, 409)
})

test('a reconnect after an error takes up the import where it stopped', async (t) => {
  const { ask, consent, connect, open, db } = await startConsent(t)
  await connect()
  const run = await db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
  const id = IntegrationId.parse(run.integrationId)
  const error = { code: 'credentials_revoked', message: 'taken back' } as const
  await flagErrored(db, id, error)
  await failRun(db, RunId.parse(run.id), error)
  await db.updateTable('cursor').set({ afterCursor: 'there' }).execute()
  const broken = await ask('GET', `/admin/integrations/${id}`)
  t.like(broken.json, { status: 'errored', reconnect_required: true })
  t.like(broken.at('error'), { code: 'credentials_revoked', message: 'taken back' })

  await open(await consent(await ask('POST', `/admin/integrations/${id}/reconnect`)))

  const mended = await ask('GET', `/admin/integrations/${id}`)
  t.like(mended.json, { status: 'active', error: null, reconnect_required: false })
  const runs = await db.selectFrom('run').selectAll().orderBy('createdAt').execute()
  t.deepEqual(
    runs.map(({ kind, state }) => [kind, state]),
    [
      ['backfill', 'failed'],
      ['backfill', 'queued'],
    ],
  )
  t.is(runs[1]?.windowFrom.toMillis(), runs[0]?.windowFrom.toMillis())
  t.is((await db.selectFrom('cursor').selectAll().executeTakeFirst())?.afterCursor, 'there')
})

test('a reconnect makes up for the sync that the error has ended', async (t) => {
  const { ask, consent, connect, open, db } = await startConsent(t)
  await connect()
  await db.updateTable('run').set({ state: 'done', finishedAt: new Date() }).execute()
  const { id: text } = await db.selectFrom('integration').select('id').executeTakeFirstOrThrow()
  const id = IntegrationId.parse(text)
  const error = { code: 'credentials_revoked', message: 'taken back' } as const
  const windowFrom = new Date()
  const slot = new Date('2020-01-06T04:00Z')
  const runId = await db
    .transaction()
    .execute((trx) => insertRun(trx, { integrationId: id, kind: 'sync', windowFrom, slot }))
  await flagErrored(db, id, error)
  await failRun(db, runId, error)

  await open(await consent(await ask('POST', `/admin/integrations/${id}/reconnect`)))

  const unfinished = db.selectFrom('run').select(['kind', 'state']).where('finishedAt', 'is', null)
  t.deepEqual(await unfinished.execute(), [{ kind: 'sync', state: 'queued' }])
  await open(await consent(await ask('POST', `/admin/integrations/${id}/reconnect`)))
  t.is((await unfinished.execute()).length, 1, 'what works has missed nothing')
})

test('a disconnected integration cannot be reconnected', async (t) => {
  const { ask, begin, db } = await startConsent(t)
  const id = String((await begin()).at('integration_id'))
  await db.updateTable('integration').set({ status: 'disconnected' }).execute()

  const link = await ask('POST', `/admin/integrations/${id}/reconnect`)

  t.is(link.status, 409)
  t.is(link.at('error.code'), 'disconnected')
  t.not((await begin()).at('integration_id'), id)
})
