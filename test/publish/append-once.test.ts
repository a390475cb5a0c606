import { execFile } from 'node:child_process'
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { ExecutionContext } from 'ava'
import test from 'ava'
import { connect } from '../../db/connect.ts'
import { tryLockSink } from '../../src/outbox/position-store.ts'
import { SinkUnavailableError } from '../../src/platform/errors.ts'
import { type AppendDeps, appendOnce } from '../../src/publish/append-once.ts'
import { testDatabase } from '../support/database.ts'
import { type Feed, aFeed, aTranscript, aTurn, publish } from '../support/outbox-rows.ts'
import { randomText } from '../support/random.ts'

const never = new AbortController().signal

async function setUp(t: ExecutionContext): Promise<AppendDeps & { url: string; feed: Feed }> {
  const { db, url } = await testDatabase(t)
  const folder = await mkdtemp(path.join(tmpdir(), 'file-sink-'))
  t.teardown(() => rm(folder, { recursive: true }))
  return { db, url, feed: await aFeed(db), sink: 'file', path: path.join(folder, 'out.ndjson') }
}

interface Line {
  readonly id: string
  readonly sequence: string
  readonly workspace_id: string
}

/** Fails on a line that is not whole. */
async function readLines(file: string): Promise<Line[]> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  if (lines.pop() !== '') throw new Error('the last line has no end')
  return lines.map((line) => JSON.parse(line))
}

async function sequencesIn(file: string): Promise<number[]> {
  return (await readLines(file)).map(({ sequence }) => Number(sequence))
}

function tickets(first: number, last: number): { ticketId: number }[] {
  return Array.from({ length: last - first + 1 }, (_, index) => ({ ticketId: first + index }))
}

test('each publication becomes one line, in order, once', async (t) => {
  const { feed, ...deps } = await setUp(t)
  await publish(deps.db, feed, ...tickets(1, 3))

  const first = await appendOnce(deps, never)
  const idle = await appendOnce(deps, never)
  await publish(deps.db, feed, { ticketId: 1, revision: 2 })
  const second = await appendOnce(deps, never)

  t.deepEqual(
    [first, idle, second].map(({ appended }) => appended),
    [3, 0, 1],
  )
  t.deepEqual(await sequencesIn(deps.path), [1, 2, 3, 4])
  t.like(await readLines(deps.path), [
    { type: 'transcript.published', workspace_id: 'w1', transcript: { id: 'zendesk:acme:1' } },
  ])
})

test('a history longer than a batch comes whole, of every workspace', async (t) => {
  const { feed, ...deps } = await setUp(t)
  const other = await aFeed(deps.db, 'w2')
  await publish(deps.db, feed, ...tickets(1, 1_200))
  await publish(deps.db, other, ...tickets(1, 7))

  await appendOnce(deps, never)

  const lines = await readLines(deps.path)
  const sequencesOf = (id: string) =>
    lines.filter((line) => line.workspace_id === id).map(({ sequence }) => Number(sequence))
  t.deepEqual(
    sequencesOf('w1'),
    tickets(1, 1_200).map(({ ticketId }) => ticketId),
  )
  t.deepEqual(sequencesOf('w2'), [1, 2, 3, 4, 5, 6, 7])
})

const mendsTornLine = test.macro<[number, string]>({
  title: (_, whole, torn) =>
    `a torn line of ${torn.length} bytes after ${whole} whole ones is cut off`,
  async exec(t, whole, torn) {
    const { feed, ...deps } = await setUp(t)
    await publish(deps.db, feed, ...tickets(1, whole + 2))
    await appendOnce(deps, never)
    const lines = (await readFile(deps.path, 'utf8')).split('\n').slice(0, whole)
    // What a process leaves that dies in the middle of a line: whole lines, a piece, the old position.
    await rm(deps.path)
    await appendFile(deps.path, lines.map((line) => `${line}\n`).join('') + torn)
    await deps.db.updateTable('sinkPosition').set({ sequence: whole }).execute()

    const { appended } = await appendOnce(deps, never)

    t.is(appended, 2)
    t.deepEqual(
      await sequencesIn(deps.path),
      tickets(1, whole + 2).map(({ ticketId }) => ticketId),
    )
  },
})
test(mendsTornLine, 3, '{"id":"pub_0123')
test(mendsTornLine, 3, `{"text":"${'ü'.repeat(200_000)}`)
test(mendsTornLine, 0, '{')
test(mendsTornLine, 0, 'x'.repeat(65_536))
test(mendsTornLine, 3, '')

test('lines that were written but not committed are written again', async (t) => {
  const { feed, ...deps } = await setUp(t)
  await publish(deps.db, feed, ...tickets(1, 3))
  await appendOnce(deps, never)
  await deps.db.updateTable('sinkPosition').set({ sequence: 1 }).execute()

  await appendOnce(deps, never)

  const lines = await readLines(deps.path)
  t.deepEqual(await sequencesIn(deps.path), [1, 2, 3, 2, 3])
  t.deepEqual(
    lines.slice(3).map(({ id }) => id),
    lines.slice(1, 3).map(({ id }) => id),
  )
})

test('several workers at once write whole lines, each once and in order', async (t) => {
  const { feed, url, ...deps } = await setUp(t)
  const transcript = aTranscript([aTurn({ text: randomText(20_000) })])
  const all = tickets(1, 300).map((ticket) => ({ ...ticket, transcript }))
  const other = connect(url)
  t.teardown(() => other.destroy())
  let writing = true
  const write = async (): Promise<void> => {
    for (let at = 0; at < all.length; at += 20) {
      await publish(deps.db, feed, ...all.slice(at, at + 20))
    }
    writing = false
  }
  const work = async (db: AppendDeps['db']): Promise<void> => {
    while (writing) await appendOnce({ ...deps, db }, never)
  }

  await Promise.all([write(), work(deps.db), work(deps.db), work(other)])
  await appendOnce(deps, never)

  t.deepEqual(
    await sequencesIn(deps.path),
    all.map(({ ticketId }) => ticketId),
  )
})

test('while another worker holds the file nothing is written', async (t) => {
  const { feed, ...deps } = await setUp(t)
  await publish(deps.db, feed, { ticketId: 1 })
  const trx = await deps.db.startTransaction().execute()
  t.true(await tryLockSink(trx, 'file'))

  const during = await appendOnce(deps, never)
  await trx.rollback().execute()
  const after = await appendOnce(deps, never)

  t.deepEqual([during.appended, after.appended], [0, 1])
})

test('a file that cannot be written is an error, and nothing counts as written', async (t) => {
  const { feed, ...deps } = await setUp(t)
  await publish(deps.db, feed, { ticketId: 1 })

  const failing = appendOnce({ ...deps, path: path.join(deps.path, 'not-a-folder') }, never)

  await t.throwsAsync(failing, {
    instanceOf: SinkUnavailableError,
    message: 'the file of SINK_FILE cannot be written (ENOENT)',
  })
  await appendOnce(deps, never)
  t.deepEqual(await sequencesIn(deps.path), [1])
})

test('a pass that is stopped writes nothing more and loses nothing', async (t) => {
  const { feed, ...deps } = await setUp(t)
  await publish(deps.db, feed, { ticketId: 1 })
  const stopped = AbortSignal.abort(new Error('stopping'))

  await t.throwsAsync(appendOnce(deps, stopped), { message: 'stopping' })

  await appendOnce(deps, never)
  t.deepEqual(await sequencesIn(deps.path), [1])
})

test('the path - is standard output', async (t) => {
  const module = new URL('../../src/publish/file-sink.ts', import.meta.url).href
  const script = `const { appendLines } = await import('${module}'); await appendLines('-', ['a', 'b'])`

  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    script,
  ])

  t.is(stdout, 'a\nb\n')
})
