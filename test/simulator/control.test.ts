import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import test from 'ava'
import { connectControl } from '../../src/simulator/control.ts'
import { RequestLog } from '../../src/simulator/serve/request-log.ts'
import { deskWith, request, simulatorWith, tokensFor } from './support.ts'

const MAIN = new URL('../../src/simulator/main.ts', import.meta.url).pathname

interface Ready {
  readonly url: string
  readonly urlTemplate: string
  readonly controlUrl: string
}

test('every lever works over HTTP as it does in the process', async (t) => {
  const { simulator } = await deskWith(t, { tickets: 30, shape: { deletedShare: 0 } })
  const control = connectControl(simulator.controlUrl)
  const from = new Date(0)
  await control.mutate('acme', { kind: 'make_private', ticketId: 1, index: 0 })
  const id = await control.setFault({ kind: 'html', times: null })

  t.deepEqual(await Array.fromAsync(control.expectedTranscripts('acme', { from })), [
    ...simulator.expectedTranscripts('acme', { from }),
  ])
  t.deepEqual(await Array.fromAsync(control.withdrawnTexts('acme')), [
    ...simulator.withdrawnTexts('acme'),
  ])
  t.deepEqual(await control.listFaults(), await simulator.listFaults())
  await control.clearFaults(id)
  t.deepEqual(await simulator.listFaults(), [])
  t.is((await control.setAccount('acme', { role: 'agent' })).role, 'agent')
  const before = await control.now()
  t.true((await control.advanceClock(5000)) >= before + 5000)
  t.deepEqual(
    await control.requests({ family: 'oauth' }),
    await simulator.requests({ family: 'oauth' }),
  )
  t.deepEqual(await control.counters('acme'), await simulator.counters('acme'))
  t.is((await control.tokenUse('acme')).grantsIssued, 1)
  t.is(await control.revokeTokens('acme'), 1)
  await control.clearRequests()
  t.is((await control.counters()).total, 0)
  await control.addAccount({ subdomain: 'other', tickets: 1 })
  t.is((await Array.fromAsync(control.expectedTranscripts('other', { from }))).length <= 1, true)
  t.deepEqual(await control.sendWebhook('acme', { ticketId: 1 }), [])
  await control.webhooksSettled('acme')
})

test('a lever that does not exist and arguments that make no sense are refused', async (t) => {
  const { controlUrl } = await simulatorWith(t)
  const control = connectControl(controlUrl)

  t.is((await request(`${controlUrl}/nothing`, { method: 'POST' })).status, 404)
  await t.throwsAsync(async () => control.mutate('acme', { kind: 'delete', ticketId: 999 }), {
    message: /422.*no ticket 999/,
  })
  await t.throwsAsync(async () => control.setAccount('nobody', {}), { message: /no account/ })
})

test('requests are logged without what is secret, and counted by family and status', async (t) => {
  const desk = await deskWith(t)
  await desk.get('/api/v2/incremental/tickets/cursor.json?start_time=0&support_type_scope=all')
  await desk.get('/api/v2/tickets/999999')
  const log = await desk.simulator.requests()
  const text = JSON.stringify(log)

  t.like(log.at(-2), {
    subdomain: 'acme',
    family: 'incremental',
    method: 'GET',
    path: '/api/v2/incremental/tickets/cursor.json',
    query: 'start_time=0&support_type_scope=all',
    status: 200,
  })
  t.notRegex(text, /state-1|code_challenge|client_secret/)
  t.deepEqual((await desk.simulator.counters('acme')).byFamilyAndStatus, {
    'incremental 200': 1,
    'oauth 201': 1,
    'oauth 302': 1,
    'tickets 404': 1,
  })
})

test('the log keeps the last requests and counts all', (t) => {
  const log = new RequestLog(3)
  for (let at = 1; at <= 5; at++) {
    const common = {
      subdomain: 'acme',
      family: 'users',
      method: 'GET',
      path: '/',
      query: '',
    } as const
    log.add({ ...common, status: 200, at })
  }

  t.deepEqual(
    log.list().map((entry) => entry.at),
    [3, 4, 5],
  )
  t.is(log.counters().total, 5)
})

test('an account answers under its own host name too, with links to it', async (t) => {
  const { url } = await simulatorWith(t)
  const { access_token } = await tokensFor(`${url}/acme`)
  const { port } = new URL(url)
  const headers = {
    Host: `acme.localhost:${port}`,
    Authorization: `Bearer ${String(access_token)}`,
  }
  const text = await new Promise<string>((resolve, reject) => {
    get({ host: '127.0.0.1', port, path: '/api/v2/users/me.json', headers }, (response) => {
      response.setEncoding('utf8')
      let body = ''
      response.on('data', (chunk: string) => (body += chunk)).on('end', () => resolve(body))
    }).on('error', reject)
  })

  t.regex(text, new RegExp(`"url":"http://acme\\.localhost:${port}/api/v2/users/\\d+\\.json"`))
})

test('several accounts are apart: tokens of one are worth nothing at the other', async (t) => {
  const { simulator, base, get: ask } = await deskWith(t)
  await simulator.addAccount({ subdomain: 'other', tickets: 5 })
  const { access_token } = await tokensFor(base)
  const foreign = await request(`${simulator.url}/other/api/v2/groups`, {
    headers: { Authorization: `Bearer ${String(access_token)}` },
  })

  t.is((await ask('/api/v2/groups')).status, 200)
  t.is(foreign.status, 401)
  t.is((await simulator.counters('other')).total, 1)
})

test('as a process it tells its addresses in one line and ends with its input', async (t) => {
  const options = { accounts: [{ subdomain: 'acme', tickets: 3 }], now: '2026-06-01T00:00:00Z' }
  const child = spawn(process.execPath, [MAIN, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const ready = JSON.parse(line.toString()) as Ready
  const { status } = await request(
    `${ready.urlTemplate.replace('{subdomain}', 'acme')}/api/v2/users/me`,
  )
  const now = await connectControl(ready.controlUrl).now()
  child.stdin.end()
  const [code] = (await once(child, 'exit')) as [number | null]

  t.is(status, 200)
  t.true(now >= Date.parse(options.now) && now < Date.parse(options.now) + 60_000)
  t.is(code, 0)
})

test('as a process it ends on SIGTERM', async (t) => {
  const child = spawn(process.execPath, [MAIN], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number | null]

  t.is(code, 0)
})
