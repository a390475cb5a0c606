import test, { type ExecutionContext } from 'ava'
import { connect } from '../../db/connect.ts'
import { compare } from '../../src/demo/compare.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { PRIVATE_TOKEN } from '../../src/simulator/world/tokens.ts'
import { testDatabase } from '../support/database.ts'
import { type Snapshot, takeSnapshot } from '../support/snapshot.ts'
import { leaksIn } from '../support/truth.ts'
import { type Account, connectAccount, startAccount, subdomain } from './every-commit/account.ts'
import { type Crash, type Played, type Setting, play } from './every-commit/replay.ts'
import { type Step, steps } from './every-commit/steps.ts'
import type { Told } from './every-commit/worker.ts'

/**
 * The life of an integration, pass by pass. Each pass is done once undisturbed, which tells its
 * commits, and then once more for each of them and each of its sides, on a copy of what the database
 * was before the pass: there the worker dies, and another one does the pass from its start.
 */

const AT_ONCE = 4

/** A life in which these do not occur is not the one that is meant here. */
const MUST_OCCUR = [
  'insert back_lane',
  'delete back_lane',
  'insert staged_event',
  'insert author',
  'insert outbox_entry',
  'insert erasure',
  'delete erasure',
  'delete transcript_revision',
  'insert delivery',
  'delete outbox_entry',
  'update sink_position',
  'insert credential',
  'update credential',
  'update hint',
  'delete hint',
  'insert webhook',
  'update webhook',
  'update webhook_check',
  'insert run',
  'update integration',
]

/** Both sides of every commit take four minutes; here one after the other has its turn. */
const IS_WHOLE = process.env['COMMITS'] === 'whole'
const SIDES = ['before', 'after'] as const

test('a worker that dies before or after any commit of any pass changes nothing', async (t) => {
  t.timeout(15 * 60_000)
  setLogLevel('silent')
  const startedAt = performance.now()
  const [url, ...others] = await Promise.all(
    Array.from({ length: 1 + AT_ONCE }, async () => (await testDatabase(t)).url),
  )
  await using account = await startAccount(t.title)
  const integrationId = await connectAccount(account, url!)
  const tickets = [
    ...account.simulator.expectedTranscripts(subdomain, { from: account.windowFrom }),
  ].map(({ ticketId }) => ticketId)
  const setting: Setting = { account, integrationId, url: url! }
  const problems: string[] = []
  const written = new Set<string>()
  const sums = { passes: 0, commits: 0, replays: 0, missed: 0 }
  for (const step of steps) {
    await happen(setting, step, tickets)
    const from = await takeSnapshot(setting.url)
    const undisturbed = await play(t, setting, step)
    const told = await replayAll(t, { setting, from, others }, step, undisturbed)
    problems.push(...told.problems)
    for (const { writes } of undisturbed.commits)
      for (const it of writes.split(', ')) written.add(it)
    sums.passes += 1
    sums.commits += undisturbed.commits.length
    sums.replays += told.replays
    sums.missed += told.missed
  }

  const seconds = Math.round((performance.now() - startedAt) / 1000)
  t.log(`${JSON.stringify(sums)} in ${seconds} s`)
  t.deepEqual(problems, [])
  t.deepEqual(
    MUST_OCCUR.filter((it) => !written.has(it)),
    [],
  )
  t.deepEqual(await differencesOf(account, setting.url), [])
})

/** What happens to the account and to the workspace before a pass; nobody stays connected. */
async function happen(
  { account, integrationId, url }: Setting,
  step: Step,
  tickets: readonly number[],
): Promise<void> {
  if (step.before === undefined) return
  const db = connect(url)
  try {
    await step.before({ db, simulator: account.simulator, integrationId, tickets })
  } finally {
    await db.destroy()
  }
}

interface Stage {
  readonly setting: Setting
  readonly from: Snapshot
  /** Databases to replay in. */
  readonly others: readonly string[]
}

async function replayAll(
  t: ExecutionContext,
  { setting, from, others }: Stage,
  step: Step,
  undisturbed: Played,
): Promise<{ replays: number; missed: number; problems: readonly string[] }> {
  t.deepEqual(undisturbed.state.faults, [], step.pass)
  t.true(undisturbed.commits.length > 0, `${step.pass} commits nothing`)
  const crashes = undisturbed.commits.flatMap((commit, index): Crash[] =>
    SIDES.filter((_, side) => IS_WHOLE || side === index % 2).map((when) => ({ ...commit, when })),
  )
  const problems: string[] = []
  const met = new Set<string>()
  let missed = 0
  const queue = crashes.values()
  const work = async (url: string): Promise<void> => {
    for (const crash of queue) {
      const played = await play(t, { ...setting, url }, step, { from, crash })
      if (played.hasCrashed) met.add(`${crash.when} ${crash.writes}`)
      else missed += 1
      const where = `${step.pass}, ${crash.when} ${crash.writes} ${crash.place}`
      problems.push(
        ...problemsOf(played, undisturbed, crash).map((problem) => `${where}: ${problem}`),
      )
    }
  }
  await Promise.all(others.map(work))
  // How often a kind of commit is due hangs on time at some; that it is due does not.
  const kinds = new Set(crashes.map(({ when, writes }) => `${when} ${writes}`))
  const unmet = [...kinds].filter((kind) => !met.has(kind))
  problems.push(...unmet.map((kind) => `${step.pass}: no worker died ${kind}`))
  return { replays: crashes.length, missed, problems }
}

function problemsOf(played: Played, undisturbed: Played, crash: Crash): string[] {
  // Of a pair that Zendesk has given and nobody could store, nothing is left to go on with.
  const isExcused = !played.wasCutOff || crash.writes === 'insert credential'
  const { rows } = played.state
  // Whoever had to consent again has a run that failed for it, and one more.
  const counts = (row: string): boolean => !played.wasCutOff || !row.startsWith('public.run ')
  const [actual, expected] = [rows.filter(counts), undisturbed.state.rows.filter(counts)]
  return [
    ...(isExcused ? [] : ['the tokens are lost']),
    ...played.state.faults,
    ...leaksIn(played.state.text),
    ...expected.filter((row) => !actual.includes(row)).map((row) => `missing: ${row}`),
    ...actual.filter((row) => !expected.includes(row)).map((row) => `too much: ${row}`),
    ...(actual.length === expected.length ? [] : ['rows stand twice or are missing']),
    ...disorderOf('http', played, undisturbed),
    ...disorderOf('file', played, undisturbed),
  ]
}

/** Each publication came at least once, and of each transcript none before an older one. */
function disorderOf(sink: 'http' | 'file', played: Played, undisturbed: Played): string[] {
  const name = ({ ticket, revision }: Told) => `${ticket} ${revision}`
  const firsts = new Set(played.received[sink].map(name))
  const expected = new Set(undisturbed.received[sink].map(name))
  const lost = [...expected.symmetricDifference(firsts)]
  const byTicket = Map.groupBy([...firsts], (told) => told.split(' ')[0])
  const disordered = [...byTicket.values()].filter((own) => {
    const revisions = own.map((told) => Number(told.split(' ')[1]))
    return revisions.some((revision, index) => revision < (revisions[index - 1] ?? 0))
  })
  return [
    ...lost.map((told) => `${sink}: ${told} is lost or invented`),
    ...disordered.map((own) => `${sink}: ${own.join(', ')}`),
  ]
}

async function differencesOf(account: Account, url: string): Promise<readonly string[]> {
  const db = connect(url)
  try {
    const live = await db
      .selectFrom('transcript')
      .innerJoin('transcriptRevision as text', (join) =>
        join
          .onRef('text.integrationId', '=', 'transcript.integrationId')
          .onRef('text.ticketId', '=', 'transcript.ticketId')
          .onRef('text.revision', '=', 'transcript.revision'),
      )
      .select(['transcript.ticketId', 'text.turns'])
      .where('transcript.state', '=', 'live')
      .execute()
    const publications = live.map(({ ticketId, turns }) => ({
      type: 'transcript.published' as const,
      transcript: {
        id: '',
        revision: 1,
        text: '',
        ticket: { id: ticketId },
        turns: turns as { comment_id: number; role: string; text: string }[],
      },
    }))
    const filter = { from: account.windowFrom, excludeTags: ['vip'] }
    const expected = account.simulator.expectedTranscripts(subdomain, filter)
    return compare(expected, publications, PRIVATE_TOKEN).differences
  } finally {
    await db.destroy()
  }
}
