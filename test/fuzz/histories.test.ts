import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import type { Kysely } from 'kysely'
import { DateTime } from 'luxon'
import type { Database } from '../../db/schema.ts'
import { saveCredential } from '../../src/credential/store.ts'
import { compare } from '../../src/demo/compare.ts'
import { saveHints } from '../../src/hint/store.ts'
import { type IntegrationId, Subdomain, TicketId, WorkspaceId } from '../../src/ids.ts'
import { createIntegration, lockIntegration, markConnected } from '../../src/integration/store.ts'
import { loadConfig } from '../../src/platform/config/config.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { type RunDeps, runOnce } from '../../src/reconcile/run-once.ts'
import { queueBackfill } from '../../src/run/due/backfill-store.ts'
import { insertHintRuns } from '../../src/run/due/hint-run-store.ts'
import { Leases } from '../../src/run/lease-store.ts'
import { type Simulator, startSimulator } from '../../src/simulator/start.ts'
import { PRIVATE_TOKEN } from '../../src/simulator/world/tokens.ts'
import { createWorkspace } from '../../src/workspace/store.ts'
import { codeChallenge } from '../../src/zendesk/oauth.ts'
import type { Newcomer } from '../../src/zendesk/types.ts'
import { ZendeskClient } from '../../src/zendesk/client.ts'
import { testDatabase } from '../support/database.ts'
import { dumpRows } from '../support/dump.ts'
import { testEnvironment } from '../support/environment.ts'
import { randomFrom } from '../support/random.ts'
import { leaksIn } from '../support/truth.ts'
import { type Step, historyFrom } from './history.ts'

// Random histories against the simulator's truth. `HISTORIES` sets their number, `HISTORY` picks one.

const HISTORIES = Number(process.env['HISTORIES'] ?? 24)
const ONLY = process.env['HISTORY']
const AT_ONCE = 4
const TICKETS = 10
const STEPS = 30
const WINDOW_MS = 90 * 86_400_000

test('what stands after any history is what the account shows', async (t) => {
  t.timeout(30 * 60_000)
  setLogLevel('silent')
  const { url, db } = await testDatabase(t)
  await using leases = new Leases(db, url)
  const numbers =
    ONLY === undefined ? Array.from({ length: HISTORIES }, (_, index) => index) : [Number(ONLY)]
  const queue = numbers.values()
  const work = async (): Promise<void> => {
    for (const number of queue) await liveThrough(t, { db, url, leases, number })
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))

  t.deepEqual(leaksIn(await dumpRows(url)), [])
})

interface Deps {
  readonly db: Kysely<Database>
  readonly url: string
  readonly leases: Leases
  readonly number: number
}

async function liveThrough(t: ExecutionContext, deps: Deps): Promise<void> {
  const { number } = deps
  await using simulator = await startSimulator({
    seed: `history ${number}`,
    // The export hides as much as a minute, and its instants count seconds.
    minuteMs: 1_000,
    accounts: [
      {
        subdomain: `acme${number}`,
        tickets: TICKETS,
        days: 80,
        shape: { bigTickets: 0 },
        settings: { rates: { account: null, incremental: null } },
      },
    ],
  })
  await using life = await connectLife(deps, simulator)
  const history = historyFrom(randomFrom(number), TICKETS, STEPS)
  for (const [place, step] of history.entries()) {
    const problem = await life.take(step)
    if (problem.length === 0) continue
    const told = history.slice(0, place + 1).map((past) => JSON.stringify(past))
    t.fail(`history ${number}, step ${place}:\n${problem.join('\n')}\n${told.join('\n')}`)
    return
  }
}

async function connectLife({ db, url, leases, number }: Deps, simulator: Simulator) {
  const config = loadConfig({
    ...(await testEnvironment(url, simulator, { ZENDESK_MINUTE_MS: '1000' })),
  })
  const zendesk = new ZendeskClient({ db, config })
  const subdomain = Subdomain.parse(`acme${number}`)
  const workspaceId = WorkspaceId.parse(`w${number}`)
  const windowFrom = new Date((await simulator.now()) - WINDOW_MS)
  const integrationId = await db.transaction().execute(async (trx) => {
    await createWorkspace(trx, workspaceId)
    return (await createIntegration(trx, { workspaceId, subdomain })).id
  })
  const keys = config.secrets.encryptionKeys
  const connect = async (): Promise<void> => {
    const grant = await consent(simulator, zendesk, { subdomain, integrationId })
    await db.transaction().execute(async (trx) => {
      await saveCredential(trx, keys, integrationId, grant.tokens)
      await markConnected(trx, (await lockIntegration(trx, integrationId))!, grant.userId)
      await queueBackfill(trx, integrationId, windowFrom)
    })
  }
  await connect()
  const runDeps: RunDeps = { db, zendesk, leases, quotaShare: 1, driftShare: 0.05 }
  const life = new Life({
    db,
    runDeps,
    simulator,
    subdomain,
    workspaceId,
    integrationId,
    windowFrom,
    connect,
  })
  return Object.assign(life, {
    [Symbol.asyncDispose]: () => zendesk[Symbol.asyncDispose](),
  })
}

async function consent(simulator: Simulator, zendesk: ZendeskClient, newcomer: Newcomer) {
  const codeVerifier = 'v'.repeat(64)
  const redirectUri = 'http://127.0.0.1/callback'
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'hearflow',
    redirect_uri: redirectUri,
    scope: 'read',
    state: 's',
    code_challenge: codeChallenge(codeVerifier),
    code_challenge_method: 'S256',
  })
  const base = simulator.urlTemplate.replace('{subdomain}', newcomer.subdomain)
  const page = await fetch(`${base}/oauth/authorizations/new?${query.toString()}`, {
    redirect: 'manual',
  })
  const code = new URL(page.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const { signal } = new AbortController()
  const tokens = await zendesk.exchangeCode(newcomer, { code, codeVerifier, redirectUri }, signal)
  const { userId } = await zendesk.probe(newcomer, tokens.accessToken, signal)
  return { tokens, userId }
}

interface LifeOf {
  readonly db: Kysely<Database>
  readonly runDeps: RunDeps
  readonly simulator: Simulator
  readonly subdomain: Subdomain
  readonly workspaceId: WorkspaceId
  readonly integrationId: IntegrationId
  readonly windowFrom: Date
  readonly connect: () => Promise<void>
}

/** One account and our side of it. A step answers what is wrong after it, if anything is. */
class Life {
  readonly #it: LifeOf

  constructor(it: LifeOf) {
    this.#it = it
  }

  async take(step: Step): Promise<readonly string[]> {
    const { db, simulator, subdomain, workspaceId, integrationId } = this.#it
    switch (step.kind) {
      case 'mutation':
        await this.#mutate(step)
        return []
      case 'filters':
        await db
          .updateTable('workspace')
          .set((eb) => ({
            zendeskIncludeTags: step.includeTags,
            zendeskExcludeTags: step.excludeTags,
            zendeskIncludeGroupIds: step.includeGroupIds,
            filtersVersion: eb('filtersVersion', '+', 1),
          }))
          .where('id', '=', workspaceId)
          .execute()
        return []
      case 'time':
        await simulator.advanceClock(step.ms)
        return []
      case 'fault':
        await simulator.setFault({ subdomain, kind: 'status', status: step.status, times: 2 })
        return []
      case 'lost cursor':
        await db
          .updateTable('cursor')
          .set({ afterCursor: 'nobody knows this one' })
          .where('integrationId', '=', integrationId)
          .where('afterCursor', 'is not', null)
          .execute()
        return []
      case 'run':
        await this.#queue()
        return this.#run(step.killedAfterMs)
      case 'quiet':
        return this.#quiet()
      default:
        return step satisfies never
    }
  }

  async #mutate({ mutation, hints }: Extract<Step, { kind: 'mutation' }>): Promise<void> {
    const { db, simulator, subdomain, integrationId } = this.#it
    try {
      const { ticketId } = await simulator.mutate(subdomain, mutation)
      if (ticketId === null) return
      await saveHints(
        db,
        hints.map((type) => ({
          integrationId,
          eventId: randomUUID(),
          ticketId: TicketId.parse(ticketId),
          type,
          occurredAt: DateTime.utc(),
        })),
      )
      await db
        .updateTable('hint')
        .set({ dueAt: new Date() })
        .where('integrationId', '=', integrationId)
        .where('settledAt', 'is', null)
        .execute()
    } catch (error) {
      // Not everything can happen to every ticket.
      if (!(error instanceof RangeError)) throw error
    }
  }

  async #queue(): Promise<void> {
    const { db, integrationId } = this.#it
    await db
      .insertInto('run')
      .values({ integrationId, kind: 'sync', windowFrom: new Date() })
      .execute()
  }

  /** Works on all runs until none is left, or until the worker is killed. */
  async #run(killedAfterMs: number | null): Promise<readonly string[]> {
    const { db, runDeps, integrationId } = this.#it
    const killer = new AbortController()
    const timer =
      killedAfterMs === null
        ? undefined
        : setTimeout(() => killer.abort(new Error('killed')), killedAfterMs)
    try {
      for (let slices = 0; slices < 200; slices++) {
        await insertHintRuns(db)
        await db
          .updateTable('run')
          .set({ resumeAt: new Date() })
          .where('integrationId', '=', integrationId)
          .where('state', '=', 'waiting')
          .execute()
        const end = await runOnce(runDeps, integrationId, killer.signal)
        if (killer.signal.aborted) return []
        if (end === 'nothing due' && !(await this.#hasWork())) return []
      }
    } finally {
      clearTimeout(timer)
    }
    return ['the runs do not come to an end']
  }

  async #hasWork(): Promise<boolean> {
    const { db, integrationId } = this.#it
    const open = await db
      .selectFrom('run')
      .innerJoin('integration', 'integration.id', 'run.integrationId')
      .select('run.id')
      .where('integrationId', '=', integrationId)
      .where('integration.status', '=', 'active')
      .where('finishedAt', 'is', null)
      .execute()
    return open.length > 0
  }

  async #quiet(): Promise<readonly string[]> {
    const { simulator } = this.#it
    await simulator.clearFaults()
    await simulator.advanceClock(200_000)
    await this.#queue()
    const problems = await this.#run(null)
    if (await this.#isCutOff()) {
      await this.#it.connect()
      return this.#quiet()
    }
    return [...problems, ...(await this.#differences())]
  }

  /** A refresh token that a jump of the clock has outlived asks for a new consent. */
  async #isCutOff(): Promise<boolean> {
    const { db, integrationId } = this.#it
    const { errorCode } = await db
      .selectFrom('integration')
      .select('errorCode')
      .where('id', '=', integrationId)
      .executeTakeFirstOrThrow()
    return errorCode === 'credentials_revoked'
  }

  async #differences(): Promise<readonly string[]> {
    const { db, simulator, subdomain, workspaceId, integrationId, windowFrom } = this.#it
    const workspace = await db
      .selectFrom('workspace')
      .selectAll()
      .where('id', '=', workspaceId)
      .executeTakeFirstOrThrow()
    const expected = simulator.expectedTranscripts(subdomain, {
      from: windowFrom,
      includeTags: workspace.zendeskIncludeTags,
      excludeTags: workspace.zendeskExcludeTags,
      includeGroupIds: workspace.zendeskIncludeGroupIds,
    })
    const live = await db
      .selectFrom('transcript')
      .innerJoin('transcriptRevision as text', (join) =>
        join
          .onRef('text.integrationId', '=', 'transcript.integrationId')
          .onRef('text.ticketId', '=', 'transcript.ticketId')
          .onRef('text.revision', '=', 'transcript.revision'),
      )
      .select(['transcript.ticketId', 'text.turns'])
      .where('transcript.integrationId', '=', integrationId)
      .where('transcript.state', '=', 'live')
      .execute()
    const publications = live.map(({ ticketId, turns }) => ({
      type: 'transcript.published' as const,
      transcript: {
        id: '',
        revision: 1,
        ticket: { id: ticketId },
        turns: turns as { comment_id: number; role: string; text: string }[],
        text: '',
      },
    }))
    const { differences } = compare(expected, publications, PRIVATE_TOKEN)
    return [...differences, ...(await this.#gaps()), ...(await this.#badRuns())]
  }

  /** Revisions count up by one for each transcript, in the order in which readers get them. */
  async #gaps(): Promise<readonly string[]> {
    const { db, integrationId } = this.#it
    const entries = await db
      .selectFrom('outboxEntry')
      .select(['ticketId', 'revision', 'type'])
      .where('integrationId', '=', integrationId)
      .orderBy('sequence')
      .execute()
    const problems: string[] = []
    for (const [ticketId, own] of Map.groupBy(entries, (entry) => entry.ticketId)) {
      const revisions = own.map((entry) => entry.revision)
      const isGapless = revisions.every((revision, index) => revision === index + 1)
      const isTakenBackOnce = own.every(
        (entry, index) =>
          entry.type !== 'transcript.retracted' || own[index - 1]?.type === 'transcript.published',
      )
      if (!isGapless || !isTakenBackOnce) {
        problems.push(
          `ticket ${ticketId}: ${own.map((it) => `${it.type} ${it.revision}`).join(', ')}`,
        )
      }
    }
    return problems
  }

  async #badRuns(): Promise<readonly string[]> {
    const { db, integrationId } = this.#it
    const runs = await db
      .selectFrom('run')
      .selectAll()
      .where('integrationId', '=', integrationId)
      .execute()
    const failed = runs.filter(
      (run) => run.state === 'failed' && run.errorCode !== 'credentials_revoked',
    )
    return failed.map((run) => `run of ${run.kind} failed: ${run.errorCode} ${run.errorMessage}`)
  }
}
