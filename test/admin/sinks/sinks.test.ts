import test from 'ava'
import { openSecrets } from '../../../src/outbox/sink/secret-store.ts'
import { aFeed } from '../../support/outbox-rows.ts'
import { SECRET } from '../../support/receiver.ts'
import { type TestWeb, startTestWeb } from '../../support/web.ts'

const OTHER = 'whsec_AAAAAAAAAAAAAAAAAAAAAAAA'
const sinks = '/admin/workspaces/w1/sinks'
const url = 'https://receiver.example/in?from=zendesk'

async function start(t: Parameters<typeof startTestWeb>[0], environment = {}) {
  const web = await startTestWeb(t, environment)
  await aFeed(web.db)
  return web
}

const put = ({ ask }: TestWeb, id: string, json: unknown) => ask('PUT', `${sinks}/${id}`, { json })

async function secretsOf({ db, config }: TestWeb): Promise<string[]> {
  const row = await db.selectFrom('sink').selectAll().executeTakeFirstOrThrow()
  return openSecrets(config.secrets.encryptionKeys, row)
}

test('a sink is made with a secret of its own, which is shown this once', async (t) => {
  const web = await start(t)

  const made = await put(web, 'one', { url })
  const again = await put(web, 'one', {})
  const shown = await web.ask('GET', `${sinks}/one`)

  t.is(made.status, 201)
  const { secret, created_at, updated_at, state_since, ...rest } = made.json
  t.regex(String(secret), /^whsec_[A-Za-z0-9+/]{43}=$/)
  t.deepEqual(await secretsOf(web), [secret])
  t.deepEqual(rest, {
    id: 'one',
    workspace_id: 'w1',
    url,
    types: ['transcript.published', 'transcript.retracted'],
    all_revisions: false,
    state: 'active',
    state_reason: null,
    failing_since: null,
    held_until: null,
    previous_secret_until: null,
    replays: [],
  })
  t.deepEqual([created_at, state_since], [updated_at, updated_at])
  t.is(again.status, 200)
  t.false('secret' in again.json)
  t.false(shown.text.includes('whsec_'))
  t.like(shown.json, rest)
})

test('a change touches only what it names', async (t) => {
  const web = await start(t)
  const made = await put(web, 'one', { url, secret: SECRET, types: ['transcript.published'] })

  const changed = await put(web, 'one', { all_revisions: true })

  t.false('secret' in made.json)
  t.like(changed.json, { url, types: ['transcript.published'], all_revisions: true })
  t.deepEqual(await secretsOf(web), [SECRET])
  t.is(changed.at('previous_secret_until'), null)
})

test('a new secret leaves the old one valid for a day, the same one changes nothing', async (t) => {
  const web = await start(t)
  await put(web, 'one', { url, secret: SECRET })
  await put(web, 'one', { secret: SECRET })
  const same = await secretsOf(web)

  const changed = await put(web, 'one', { secret: OTHER })
  const both = await secretsOf(web)
  await web.db.updateTable('sink').set({ previousSecretUntil: new Date() }).execute()

  t.deepEqual(same, [SECRET])
  t.deepEqual(both, [OTHER, SECRET])
  const hours = (Date.parse(String(changed.at('previous_secret_until'))) - Date.now()) / 3_600_000
  t.true(hours > 23 && hours <= 24.1)
  t.deepEqual(await secretsOf(web), [OTHER])
})

test('a sink that is stopped is active again after any change of it', async (t) => {
  const web = await start(t)
  await put(web, 'one', { url })
  const stopped = { state: 'stopped', stateReason: 'gone (410)', failingSince: new Date() } as const
  await web.db.updateTable('sink').set(stopped).execute()
  const shown = await web.ask('GET', `${sinks}/one`)

  const changed = await put(web, 'one', {})

  t.like(shown.json, { state: 'stopped', state_reason: 'gone (410)' })
  t.like(changed.json, { state: 'active', state_reason: null, failing_since: null })
})

const refuses = test.macro<[unknown, string]>({
  title: (title) => title ?? '',
  async exec(t, json, detail) {
    const web = await start(t)
    await put(web, 'one', { url, secret: SECRET })
    const before = await web.db.selectFrom('sink').selectAll().execute()

    for (const id of ['one', 'two']) {
      const { status, at } = await put(web, id, json)
      t.is(status, 422)
      t.is(at('error.code'), 'invalid_input')
      t.deepEqual(at('error.details'), [detail])
    }
    t.deepEqual(await web.db.selectFrom('sink').selectAll().execute(), before)
  },
})
test(
  'an address of another kind is refused',
  refuses,
  { url: 'ftp://a.example' },
  'url: expected an http:// or https:// address',
)
test(
  'what is no address is refused',
  refuses,
  { url: 'receiver' },
  'url: expected an http:// or https:// address',
)
for (const [what, odd] of [
  ['a NUL', 'https://a.example/\0'],
  ['a line break', 'https://a.exam\nple/'],
  ['half a character', 'https://a.example/\ud800'],
] as const) {
  test(
    `an address with ${what} is refused`,
    refuses,
    { url: odd },
    'url: expected no spaces and no control characters',
  )
}
test(
  'an address with a password is refused',
  refuses,
  { url: 'https://u:p@a.example' },
  'url: expected no user and password',
)
test(
  'an address with a fragment is refused',
  refuses,
  { url: 'https://a.example/#b' },
  'url: expected no fragment',
)
test(
  'a secret of another form is refused',
  refuses,
  { url, secret: 'hush' },
  'secret: expected whsec_ and padded base64',
)
test(
  'an unknown type is refused',
  refuses,
  { url, types: ['ticket'] },
  'types.0: expected transcript.published or transcript.retracted',
)
test('no type at all is refused', refuses, { url, types: [] }, 'types: expected at least one type')
test('an unknown field is refused', refuses, { url, name: 'x' }, 'name: unknown field')

test('a new sink without an address, or with a name that cannot be one, is refused', async (t) => {
  const web = await start(t)

  const nameless = await put(web, 'one', {})
  const reserved = await put(web, 'http', { url })
  const strange = await put(web, '-one', { url })

  t.deepEqual([nameless.status, reserved.status, strange.status], [422, 422, 422])
  t.deepEqual(nameless.at('error.details'), ['url: expected the address of the new sink'])
  t.regex(String(reserved.at('error.details')), /^sink_id: "http" is the sink of SINK_URL/)
  t.regex(String(strange.at('error.details')), /^sink_id: expected/)
})

test('in production an address on a private network is refused at once', async (t) => {
  const production = { NODE_ENV: 'production' }
  const web = await start(t, production)

  for (const host of ['127.0.0.1', '10.0.0.1', '[::1]', '169.254.169.254', '0x7f.1']) {
    t.is((await put(web, 'one', { url: `http://${host}/` })).status, 422, host)
  }
  t.is((await put(web, 'one', { url: 'https://93.184.216.34/' })).status, 201)
})

test('a workspace has as many sinks as it needs, not as anybody likes', async (t) => {
  const web = await start(t)
  for (let index = 0; index < 20; index++) await put(web, `sink-${index}`, { url })

  const oneMore = await put(web, 'one-more', { url })
  await web.ask('DELETE', `${sinks}/sink-3`)

  t.is(oneMore.status, 409)
  t.is(oneMore.at('error.code'), 'too_many_sinks')
  t.is((await put(web, 'one-more', { url })).status, 201)
})

test('sinks are listed by page', async (t) => {
  const web = await start(t)
  for (const id of ['c', 'a', 'b']) await put(web, id, { url, secret: SECRET })

  const first = await web.ask('GET', `${sinks}?limit=2`)
  const second = await web.ask('GET', `${sinks}?limit=2&cursor=${String(first.at('next_cursor'))}`)

  const ids = [first, second].map(({ json }) =>
    (json['data'] as { id: string }[]).map(({ id }) => id),
  )
  t.deepEqual(ids, [['a', 'b'], ['c']])
  t.is(second.at('next_cursor'), null)
  t.false(first.text.includes('whsec_'))
})

test('a deleted sink is gone at once, and its name is free', async (t) => {
  const web = await start(t)
  const made = await put(web, 'one', { url })

  const deleted = await web.ask('DELETE', `${sinks}/one`)
  const twice = await web.ask('DELETE', `${sinks}/one`)
  const shown = await web.ask('GET', `${sinks}/one`)
  const anew = await put(web, 'one', { url })

  t.deepEqual(
    [made, deleted, twice, shown, anew].map(({ status }) => status),
    [201, 204, 404, 404, 201],
  )
  t.not(anew.at('secret'), made.at('secret'))
})

test('without a workspace there are no sinks', async (t) => {
  const { ask } = await start(t)

  for (const [method, path, json] of [
    ['GET', '/admin/workspaces/w9/sinks', undefined],
    ['GET', '/admin/workspaces/w9/sinks/one', undefined],
    ['PUT', '/admin/workspaces/w9/sinks/one', { url }],
    ['DELETE', '/admin/workspaces/w9/sinks/one', undefined],
    ['POST', '/admin/workspaces/w9/replay', {}],
  ] as const) {
    const answer = await ask(method, path, json === undefined ? {} : { json })
    t.is(answer.status, 404, `${method} ${path}`)
  }
})

test('sinks, redrives and replays are for the administrator; the read token sees publications', async (t) => {
  const read = 'read-token'
  const { ask } = await start(t, { READ_TOKEN: read })
  const publication = `/admin/publications/pub_${'0'.repeat(32)}`
  const closed = [
    ['GET', sinks],
    ['GET', `${sinks}/one`],
    ['PUT', `${sinks}/one`],
    ['DELETE', `${sinks}/one`],
    ['POST', '/admin/workspaces/w1/replay'],
    ['POST', `${publication}/redrive`],
  ] as const

  for (const [method, path] of closed) {
    for (const token of [null, read, 'wrong']) {
      t.is((await ask(method, path, { token })).status, 401, `${method} ${path} ${token}`)
    }
  }
  t.is((await ask('GET', publication, { token: null })).status, 401)
  t.is((await ask('GET', publication, { token: read })).status, 404)
})
