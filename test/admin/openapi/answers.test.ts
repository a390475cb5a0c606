import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { IntegrationId } from '../../../src/ids.ts'
import type { Operation } from '../../../src/platform/http/openapi/operation.ts'
import { operations } from '../../../src/web.ts'
import { type Consent, startConsent } from '../../support/consent.ts'
import { testDatabase } from '../../support/database.ts'
import {
  type Call,
  type Documented,
  documented,
  documentedAnswers,
  statusesOf,
} from '../../support/documented.ts'
import { hintAt, refuseFirst } from '../../support/explained-rows.ts'
import { startWorker } from '../../support/front-door.ts'
import { startPostgresProxy } from '../../support/postgres-proxy.ts'
import { setStatus } from '../../support/scheduled-rows.ts'
import { eventBody, signedHeaders } from '../../support/signed.ts'
import { untilRunsEnd } from '../../support/truth.ts'
import { startTestWeb } from '../../support/web.ts'
import { aHintedIntegration } from '../../support/webhook-rows.ts'

const READ_TOKEN = 'a-token-that-may-only-read'
const SECRET = 'c'.repeat(44)

/** Bodies of those operations that do not make do with an empty one. */
const bodies: Readonly<Record<string, unknown>> = {
  setWebhookSecret: { secret: SECRET },
  connectAccount: { subdomain: 'acme' },
  changeSink: { url: 'https://receiver.example/' },
}

const withBody = (id: string): Call => (Object.hasOwn(bodies, id) ? { json: bodies[id] } : {})

test('each documented answer occurs, and each real one is documented', async (t) => {
  const seen = new Set<string>()
  const web = await startConsent(t, { overrides: { READ_TOKEN, BACKFILL_DAYS: '3650' } })
  const api = documented(t, web, seen)

  await refuse(web, api)
  await live(t, web, api)
  await stayClosed(t, seen)
  await breakDown(t, seen)

  // Nobody means a failure of our own to happen: what it looks like is tested where it is made.
  const unseen = documentedAnswers().filter((answer) => !seen.has(answer))
  t.deepEqual(
    unseen.filter((answer) => !answer.endsWith(' 500')),
    [],
  )
})

/** What doors and parsers refuse, by the document alone. */
async function refuse({ db, config }: Consent, { call }: Documented): Promise<void> {
  const known = {
    workspace_id: 'w1',
    integration_id: await aHintedIntegration(db, config),
  }
  const guesses = { token: 'wrong', headers: { 'x-forwarded-for': '203.0.113.99' } }
  for (let guess = 0; guess <= 60; guess += 1) await call('showStatus', guesses)
  for (const { id } of operations.filter(hasToken)) await call(id, guesses)
  for (const operation of operations) {
    const { id, query } = operation
    const refuses = (status: number): boolean => statusesOf(operation).includes(status)
    const json = { 'content-type': 'application/json' }
    if (refuses(401)) await call(id, { known, token: null })
    if (refuses(404)) await call(id, withBody(id))
    if (!hasToken(operation)) continue
    if (operation.body !== undefined) {
      await call(id, { body: '{"', headers: json })
      await call(id, { body: JSON.stringify('x'.repeat(1024 * 1024)), headers: json })
      await call(id, { body: 'text', headers: { 'content-type': 'text/plain' } })
      await call(id, { json: { unknown_field: 1 } })
    }
    if (query?.shape['limit'] === undefined) continue
    await call(id, { known, query: '?limit=many' })
    await call(id, { known, query: '?limit=100000' })
  }
}

function hasToken({ auth }: Operation): boolean {
  return auth === 'admin' || auth === 'read'
}

/** A customer's story from the first setting to the last receipt. */
async function live(t: ExecutionContext, web: Consent, api: Documented): Promise<void> {
  const { call } = api
  const workspace = { workspace_id: 'w1' }
  for (const id of ['showHealth', 'showReadiness', 'showMetrics', 'showOpenApi', 'showStatus'])
    await call(id)
  await call('changeWorkspace', { known: { workspace_id: 'w2' } })
  for (const id of ['changeWorkspace', 'showWorkspace', 'listWorkspaces', 'showSchedule'])
    await call(id, { known: workspace })
  const known = { ...workspace, integration_id: await connect(web, api) }
  await hint(web, api)
  await importAll(t, web, api, known)
  // No worker is left that could push anything to them.
  await sinks(api, known)
  await followUp(t, web, api, known)
  await steer(web, api, known)
}

/** Consents, in each way in which that can end; answers the integration that it ended well for. */
async function connect(web: Consent, { call, note }: Documented): Promise<string> {
  const known = { workspace_id: 'w1' }
  note('finishConsent', await web.open(new URL('http://x/oauth/zendesk/callback?state=used')))
  const begun = await call('connectAccount', { known, json: { subdomain: 'acme' } })
  const integrationId = String(begun.at('integration_id'))
  const denied = await web.consent(begun)
  denied.searchParams.set('error', 'access_denied')
  note('finishConsent', await web.open(denied))
  await call('reconnectIntegration', { known: { integration_id: integrationId } })
  note('finishConsent', await web.connect('stricter'))
  const callback = await web.consent(await web.begin('other'))
  await web.simulator.setFault({ kind: 'status', status: 500, path: '/users/me', times: null })
  note('finishConsent', await web.open(callback))
  await web.simulator.clearFaults()
  note('finishConsent', await web.connect('acme'))
  await call('connectAccount', { known, json: { subdomain: 'acme' } })
  return integrationId
}

async function hint({ db, config }: Consent, { call }: Documented): Promise<void> {
  const known = { integration_id: await aHintedIntegration(db, config) }
  const send = async (body: string): Promise<void> => {
    await call('receiveWebhook', { known, token: null, body, headers: signedHeaders(body) })
  }
  await send(eventBody({ id: randomUUID() }))
  await send('no event')
  await send('x'.repeat(1024 * 1024 + 1))
  await call('disconnectIntegration', { known, query: '?purge=perhaps' })
  await call('previewFilters', { known, json: {} })
  for (const id of ['pauseIntegration', 'resumeIntegration', 'backfillNow'])
    await call(id, { known })
}

async function sinks({ call }: Documented, known: Readonly<Record<string, string>>): Promise<void> {
  const json = { url: 'https://receiver.example/' }
  for (let index = 0; index <= 20; index += 1)
    await call('changeSink', { known: { ...known, sink_id: `sink-${index}` }, json })
  const sink = { ...known, sink_id: 'sink-0' }
  await call('changeSink', { known: sink, json })
  for (const id of ['showSink', 'listSinks', 'deleteSink']) await call(id, { known: sink })
}

/** Waits for the import, then reads all that can be read of it. */
async function importAll(
  t: ExecutionContext,
  { db, config }: Consent,
  { call }: Documented,
  known: Readonly<Record<string, string>>,
): Promise<void> {
  await call('setWebhookSecret', { known, json: { secret: SECRET } })
  const worker = startWorker(t, config)
  await untilRunsEnd(db)
  await call('showStatus')
  await call('showMetrics')
  await worker.stop()
  const runs = await call('listRuns', { known, query: '?limit=1' })
  await call('showRun', { known: { ...known, run_id: String(runs.at('data.0.id')) } })
  await call('listIntegrations', { query: '?status=active' })
  await call('showIntegration', { known })
  await call('previewFilters', { known, json: { zendesk_include_tags: ['none'], days: 200 } })
  await call('readLiveTranscripts', { known, query: '?limit=1' })
  await call('readLiveTranscripts', { known, headers: { accept: 'application/x-ndjson' } })
}

/** What became of a publication that its receiver has refused. */
async function followUp(
  t: ExecutionContext,
  { db }: Consent,
  { call }: Documented,
  known: Readonly<Record<string, string>>,
): Promise<void> {
  const feed = await call('readFeed', { known })
  await call('readFeed', { known, headers: { accept: 'application/x-ndjson' } })
  const publication = { publication_id: String(feed.at('data.0.id')) }
  const ticketId = Number(feed.at('data.0.transcript.ticket.id'))
  await call('redrivePublication', { known: publication })
  await refuseFirst(db, ticketId)
  await hintAt(db, IntegrationId.parse(known['integration_id']), ticketId)
  const told = await call('showPublication', { known: publication })
  t.is(told.at('deliveries.0.history.0.attempt'), 1, told.text)
  await call('explainTicket', { known: { ...known, ticket_id: String(ticketId) } })
  await call('redrivePublication', { known: publication })
  await call('replayPublications', { known, json: { after: '0' } })
  await db.updateTable('feed').set({ prunedThrough: 1 }).where('workspaceId', '=', 'w1').execute()
  await call('readFeed', { known })
}

async function steer(
  web: Consent,
  { call }: Documented,
  known: Readonly<Record<string, string>>,
): Promise<void> {
  const { db } = web
  const endRuns = () =>
    db.updateTable('run').set({ state: 'done', finishedAt: new Date() }).execute()
  const id = IntegrationId.parse(known['integration_id'])
  await setStatus(db, id, 'errored')
  await call('showIntegration', { known })
  await call('showStatus')
  await setStatus(db, id, 'active')
  await call('pauseIntegration', { known })
  await call('resumeIntegration', { known })
  await call('syncNow', { known })
  await endRuns()
  for (const action of ['backfillNow', 'syncNow']) await call(action, { known })
  await endRuns()
  for (const action of ['syncNow', 'syncNow']) await call(action, { known })
  await call('disconnectIntegration', { known, query: '?purge=true' })
  await db.updateTable('disconnection').set({ finishedAt: new Date() }).execute()
  await call('disconnectIntegration', { known })
  for (const action of ['setWebhookSecret', 'reconnectIntegration', 'previewFilters'])
    await call(action, { known, ...withBody(action) })
}

/** A service that no client of Zendesk's is configured for. */
async function stayClosed(t: ExecutionContext, seen: Set<string>): Promise<void> {
  const noClient = { ZENDESK_CLIENT_ID: '', ZENDESK_CLIENT_SECRET: '' }
  const web = await startTestWeb(t, noClient)
  const known = { integration_id: await aHintedIntegration(web.db, web.config) }
  await documented(t, web, seen).call('reconnectIntegration', { known })
}

/** The database goes away under a service that runs. */
async function breakDown(t: ExecutionContext, seen: Set<string>): Promise<void> {
  const { url } = await testDatabase(t)
  const proxy = await startPostgresProxy(t, url)
  const web = await startTestWeb(t, { DATABASE_URL: proxy.url })
  const { call } = documented(t, web, seen)
  proxy.shut(true)
  for (const operation of operations) {
    const { id, auth } = operation
    if (!statusesOf(operation).includes(503)) continue
    const query = auth === 'state' ? '?state=of-a-link' : ''
    await call(id, { ...withBody(id), query })
  }
}
