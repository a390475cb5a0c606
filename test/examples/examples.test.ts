import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Webhook } from 'standardwebhooks'
import { freePort } from '../support/environment.ts'
import { startWorker } from '../support/front-door.ts'
import { aFeed, publish, retract } from '../support/outbox-rows.ts'
import { SECRET } from '../support/receiver.ts'
import { type ServiceProcess, spawnEntry } from '../support/service.ts'
import { startTestWeb } from '../support/web.ts'

async function aFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'example-'))
  t.teardown(() => rm(folder, { recursive: true }))
  return folder
}

/** Returns when the process has written so many lines. */
async function lines(t: ExecutionContext, process: ServiceProcess, count: number) {
  for (;;) {
    const written = process.output().split('\n').slice(0, -1)
    if (written.length >= count) return written
    if (process.child.exitCode !== null) t.fail(process.output())
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function kill({ child, exited }: ServiceProcess): Promise<void> {
  child.kill('SIGKILL')
  await exited
}

test('the reader of the feed goes on where it was killed, and is told when it is too late', async (t) => {
  const { url, db } = await startTestWeb(t, { READ_TOKEN: 'a-token-for-readers' })
  const feed = await aFeed(db)
  await publish(db, feed, { ticketId: 1 }, { ticketId: 2 })
  const environment = {
    FEED_URL: `${url}/v1/workspaces/w1/transcripts`,
    TOKEN: 'a-token-for-readers',
    STATE: path.join(await aFolder(t), 'feed.next'),
  }
  const start = () => spawnEntry(t, 'examples/feed-reader.ts', environment)

  const first = start()
  await lines(t, first, 2)
  await retract(db, feed, { ticketId: 2, revision: 2, reason: 'deleted' })
  const told = await lines(t, first, 3)
  await kill(first)
  await publish(db, feed, { ticketId: 3 })
  const second = start()
  // A page that was being worked through when the process died comes again.
  for (let count = 1; !second.output().includes(':3 '); count++) await lines(t, second, count)
  await kill(second)
  await db.updateTable('feed').set({ prunedThrough: 4, lastSequence: 9 }).execute()
  await db.updateTable('feed').set({ prunedThrough: 9 }).execute()

  t.deepEqual(told, [
    'transcript.published zendesk:acme:1 revision 1',
    'transcript.published zendesk:acme:2 revision 1',
    'transcript.retracted zendesk:acme:2 revision 2',
  ])
  t.false(second.output().includes(':1 '))
  const third = start()
  t.is(await third.exited, 1)
  t.regex(third.output(), /answered 410: .*transcripts\/current/s)
})

test('the receiver takes what the worker pushes, each publication once, and nobody else', async (t) => {
  const port = await freePort()
  const environment = {
    SECRET,
    SEEN: path.join(await aFolder(t), 'seen.ids'),
    PORT: String(port),
  }
  const start = () => spawnEntry(t, 'examples/sink-receiver.ts', environment)
  const url = `http://127.0.0.1:${port}/`
  const first = start()
  await lines(t, first, 1)
  const { db, config } = await startTestWeb(t, { SINK_URL: url, SINK_SECRET: SECRET })
  await publish(db, await aFeed(db), { ticketId: 1 }, { ticketId: 2 })
  const worker = startWorker(t, config)

  const [, ...told] = await lines(t, first, 3)
  await worker.stop()
  await kill(first)
  const { id } = await db.selectFrom('outboxEntry').select('id').executeTakeFirstOrThrow()
  const second = start()
  await lines(t, second, 1)

  t.deepEqual(told.toSorted(), [
    'transcript.published zendesk:acme:1 revision 1',
    'transcript.published zendesk:acme:2 revision 1',
  ])
  t.is(await post(url, id, SECRET), 204)
  t.is(await post(url, id, 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'), 401)
  t.is(await post(url, 'pub_new', SECRET), 204)
  t.deepEqual((await lines(t, second, 2)).slice(1), [
    'transcript.published zendesk:acme:9 revision 1',
  ])
})

async function post(url: string, id: string, secret: string): Promise<number> {
  const transcript = { id: 'zendesk:acme:9', revision: 1 }
  const body = JSON.stringify({ id, type: 'transcript.published', transcript })
  const at = new Date()
  const answer = await fetch(url, {
    method: 'POST',
    body,
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(secret).sign(id, at, body),
    },
  })
  return answer.status
}
