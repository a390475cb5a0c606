import { randomBytes } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { createInterface } from 'node:readline'
import { createGunzip, gunzipSync } from 'node:zlib'
import { type Kysely, sql } from 'kysely'
import { Agent, type Dispatcher, request } from 'undici'
import { connect } from '../../db/connect.ts'
import { migrateToLatest } from '../../db/migrate.ts'
import type { Database } from '../../db/schema.ts'
import { queues } from '../../src/queues.ts'
import { createDatabase, testEnvironment } from '../support/environment.ts'
import { type Feed, aFeed } from '../support/outbox-rows.ts'
import { startProcess } from './processes.ts'

export interface FeedMeasurement {
  readonly how: string
  readonly publications: number
  readonly seconds: number
  readonly megabytes: number
}

/** Of so many publications one by one is measured, for it would take too long for all. */
const ONE_BY_ONE = 2_000

/** A history in the feed of a web process of its own, read in each of the ways that there are. */
export async function measureFeed(
  server: string,
  publications: number,
): Promise<FeedMeasurement[]> {
  await using stack = new AsyncDisposableStack()
  const databaseUrl = await createDatabase(server, `bench_${randomBytes(4).toString('hex')}`)
  await migrateToLatest(databaseUrl, queues)
  const db = connect(databaseUrl)
  stack.defer(() => db.destroy())
  await fillFeed(db, await aFeed(db), publications)
  const zendesk = { urlTemplate: 'https://{subdomain}.zendesk.com' }
  const environment = await testEnvironment(databaseUrl, zendesk, { LOG_LEVEL: 'warn' })
  const { PUBLIC_URL: baseUrl = '', ADMIN_TOKEN: token = '' } = environment
  const web = stack.use(startProcess('src/web.ts', [], environment))
  web.firstLine.catch(() => {})
  const agent = new Agent({ connections: 1 })
  stack.defer(() => agent.close())
  const reader: FeedReader = {
    agent,
    url: `${baseUrl}/v1/workspaces/w1/transcripts`,
    token,
    publications,
  }
  await untilReady(`${baseUrl}/readyz`)

  const measured: FeedMeasurement[] = []
  const oneByOne = { ...reader, publications: Math.min(ONE_BY_ONE, publications) }
  measured.push(await timed('one by one', oneByOne, () => readPages(oneByOne, 1)))
  measured.push(await timed('pages of 100', reader, () => readPages(reader, 100)))
  measured.push(await timed('pages of 1,000', reader, () => readPages(reader, 1_000)))
  measured.push(await timed('pages, gzip', reader, () => readPages(reader, 1_000, 'gzip')))
  measured.push(await timed('NDJSON', reader, () => readStream(reader)))
  measured.push(await timed('NDJSON, gzip', reader, () => readStream(reader, 'gzip')))
  return measured
}

interface FeedReader {
  readonly agent: Agent
  readonly url: string
  readonly token: string
  readonly publications: number
}

/** Four turns of 160 characters each: a ticket with a short conversation. */
export async function fillFeed(
  db: Kysely<Database>,
  feed: Feed,
  publications: number,
): Promise<void> {
  const { integrationId, workspaceId } = feed
  const numbers = sql`generate_series(1, ${publications}::int) n`
  await sql`
    insert into transcript (integration_id, ticket_id, workspace_id, revision, state, content_hash)
    select ${integrationId}, n, ${workspaceId}, 1, 'live', 'sha256:' || md5(n::text)
    from ${numbers}`.execute(db)
  await sql`
    insert into transcript_revision (integration_id, ticket_id, revision, ticket, turns)
    select ${integrationId}, n, 1, jsonb_build_object('subject', 'It does not start', 'status', 'open',
        'priority', null, 'type', null, 'tags', '["billing","vip"]'::jsonb, 'group_id', null,
        'channel', 'email', 'created_at', '2026-01-01T10:00:00Z', 'updated_at', '2026-01-02T10:00:00Z'),
      (select jsonb_agg(jsonb_build_object('comment_id', n * 10::bigint + turn, 'public', true,
          'author_id', turn % 2, 'at', '2026-01-01T10:00:00Z', 'attachments', '[]'::jsonb,
          'role', (array['agent', 'customer'])[1 + turn % 2],
          'speaker', (array['agent-1', 'customer-1'])[1 + turn % 2],
          'text', (select string_agg(md5((n * 100::bigint + turn * 10 + word)::text), ' ')
            from generate_series(1, 5) word)))
        from generate_series(1, 4) turn)
    from ${numbers}`.execute(db)
  await sql`
    insert into outbox_entry (workspace_id, sequence, id, type, integration_id, ticket_id, revision,
      content_hash)
    select ${workspaceId}, n, 'pub_' || md5(n::text), 'transcript.published', ${integrationId}, n, 1,
      'sha256:' || md5(n::text)
    from ${numbers}`.execute(db)
  await db.updateTable('feed').set({ lastSequence: publications }).execute()
  await sql`analyze`.execute(db)
}

async function timed(
  how: string,
  { publications }: FeedReader,
  read: () => Promise<{ read: number; bytes: number }>,
): Promise<FeedMeasurement> {
  const startedAt = performance.now()
  const { read: count, bytes } = await read()
  const seconds = (performance.now() - startedAt) / 1_000
  if (count !== publications) throw new Error(`${how}: ${count} of ${publications} were read`)
  return { how, publications, seconds, megabytes: bytes / 2 ** 20 }
}

/** Follows `next`, as a reader does that asks for the next page when it has parsed the one before. */
async function readPages(
  reader: FeedReader,
  limit: number,
  encoding?: string,
): Promise<{ read: number; bytes: number }> {
  let [read, bytes, after] = [0, 0, '0']
  while (read < reader.publications) {
    const answer = await ask(reader, `?limit=${limit}&after=${after}`, { encoding })
    const body = Buffer.from(await answer.arrayBuffer())
    bytes += body.length
    const page = JSON.parse((encoding === 'gzip' ? gunzipSync(body) : body).toString())
    read += page.data.length
    after = page.next
  }
  return { read, bytes }
}

/** Reads one stream to its end, and parses each line. */
async function readStream(
  reader: FeedReader,
  encoding?: string,
): Promise<{ read: number; bytes: number }> {
  const body = await ask(reader, '', { encoding, accept: 'application/x-ndjson' })
  let bytes = 0
  body.on('data', (chunk: Buffer) => (bytes += chunk.length))
  const plain = encoding === 'gzip' ? body.pipe(createGunzip()) : body.pipe(new PassThrough())
  let read = 0
  for await (const line of createInterface({ input: plain, crlfDelay: Infinity })) {
    if (JSON.parse(line).type === 'transcript.published') read += 1
  }
  return { read, bytes }
}

async function ask(
  { agent, url, token }: FeedReader,
  query: string,
  {
    encoding = 'identity',
    accept = 'application/json',
  }: { encoding?: string | undefined; accept?: string },
): Promise<Dispatcher.ResponseData['body']> {
  const { statusCode, body } = await request(`${url}${query}`, {
    dispatcher: agent,
    headers: { authorization: `Bearer ${token}`, accept, 'accept-encoding': encoding },
  })
  if (statusCode !== 200) throw new Error(`the feed answered ${statusCode}`)
  return body
}

async function untilReady(url: string): Promise<void> {
  for (;;) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok === true) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
