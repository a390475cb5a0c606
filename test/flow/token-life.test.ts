import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { checkKeys } from '../../src/credential/keys-store.ts'
import { destroyCredential } from '../../src/credential/store.ts'
import { resealOnce } from '../../src/housekeeping/reseal-once.ts'
import { IntegrationId } from '../../src/ids.ts'
import { loadConfig } from '../../src/platform/config/config.ts'
import { startWorker } from '../support/front-door.ts'
import {
  type HalfImported,
  goOnToTheEnd,
  halfImport,
  haltedCursor,
  importHalf,
  integrationJson,
} from '../support/half-import.ts'
import { type Fate, startPostgresProxy } from '../support/postgres-proxy.ts'
import { spawnEntry, wholeFeed } from '../support/service.ts'
import { differencesFrom, hurry, unaccounted, until, untilRunsEnd } from '../support/truth.ts'

// Each test runs a whole service; one after the other they fit on two cores.

const DAY_MS = 86_400_000

test.serial('a worker killed before Zendesk gets its refresh leaves nothing to mend', async (t) => {
  await using it = await halfImport(t)
  await it.simulator.setFault({ family: 'oauth', kind: 'hang' })
  await killInRefresh(t, it)

  spawnEntry(t, 'src/worker.ts', it.environment)

  await endsExactly(t, it)
  t.like(await it.simulator.tokenUse('acme'), { refreshes: 1, deadRefreshTokensUsed: 0 })
})

test.serial('a worker killed before Zendesk answers its refresh loses the tokens', async (t) => {
  await using it = await halfImport(t)
  // Zendesk rotates although nobody waits for the answer any more.
  await it.simulator.setFault({ family: 'oauth', kind: 'slow', ms: 1_000 })
  await killInRefresh(t, it)
  await until(async () => (await it.simulator.tokenUse('acme')).refreshes === 1)

  const worker = startWorker(t, it.config)
  const cursor = await haltedCursor(t, it, 'credentials_revoked')

  const shown = await integrationJson(it)
  t.true(shown.reconnect_required)
  t.regex(shown.error?.message ?? '', /refresh was cut short/)
  // The old token was tried once, and not again.
  t.like(await it.simulator.tokenUse('acme'), { refreshes: 1, mostUsesOfOneRefreshToken: 2 })
  await goOnToTheEnd(t, it, cursor)
  await worker.stop()
})

/** The commit of a transaction that has stored a pair. */
function isPairCommit(statements: readonly string[]): boolean {
  const stores = statements.some((sql) => sql.startsWith('insert into "credential"'))
  return stores && /^commit\b/i.test(statements.at(-1) ?? '')
}

for (const fate of ['breaks before', 'breaks after'] as const) {
  test.serial(`a pair whose connection ${fate} its commit is kept`, async (t) => {
    await using it = await halfImport(t)
    let breaks = 0
    const fateOf = (statements: readonly string[]): Fate =>
      isPairCommit(statements) && breaks++ === 0 ? fate : 'passes'
    const { url } = await startPostgresProxy(t, it.url, { fateOf })
    await it.simulator.advanceClock(2 * DAY_MS)
    hurry(t, it.db)

    startWorker(t, { ...it.config, databaseUrl: url })

    await endsExactly(t, it)
    t.true(breaks > 0)
    t.like(await it.simulator.tokenUse('acme'), { refreshes: 1, mostUsesOfOneRefreshToken: 1 })
  })
}

test.serial('a worker that dies with a pair it could not commit asks for a consent', async (t) => {
  await using it = await halfImport(t)
  let broken = false
  const fateOf = (statements: readonly string[]): Fate => {
    if (broken || !isPairCommit(statements)) return 'passes'
    broken = true
    return 'breaks before'
  }
  const onBreak = (): void => void first.child.kill('SIGKILL')
  const { url } = await startPostgresProxy(t, it.url, { fateOf, onBreak })
  await it.simulator.advanceClock(2 * DAY_MS)
  const first = spawnEntry(t, 'src/worker.ts', { ...it.environment, DATABASE_URL: url })
  await first.exited

  startWorker(t, it.config)
  const cursor = await haltedCursor(t, it, 'credentials_revoked')

  t.regex((await integrationJson(it)).error?.message ?? '', /refresh was cut short/)
  await goOnToTheEnd(t, it, cursor)
})

test.serial('a rejected client costs no token, and its correction mends everything', async (t) => {
  await using it = await halfImport(t, ['acme', 'other'])
  await it.simulator.advanceClock(2 * DAY_MS)
  const wrong = { ...it.environment, ZENDESK_CLIENT_SECRET: 'not-the-secret' }
  const mistaken = startWorker(t, loadConfig(wrong))
  await until(async () => {
    const rows = await it.db.selectFrom('integration').select('errorCode').execute()
    return rows.every(({ errorCode }) => errorCode === 'client_rejected')
  })
  await mistaken.stop()
  t.false((await integrationJson(it)).reconnect_required)

  startWorker(t, it.config)

  await until(async () => {
    const rows = await it.db.selectFrom('integration').select('status').execute()
    return rows.every(({ status }) => status === 'active')
  })
  await untilRunsEnd(it.db)
  for (const subdomain of ['acme', 'other']) {
    const feed = (await wholeFeed(it.api)).filter(({ transcript }) =>
      transcript.id.startsWith(`zendesk:${subdomain}:`),
    )
    t.deepEqual(differencesFrom(it.simulator, subdomain, feed), [])
    const use = await it.simulator.tokenUse(subdomain)
    t.like(use, { codesIssued: 1, mostUsesOfOneRefreshToken: 1, deadRefreshTokensUsed: 0 })
  }
})

test.serial('a key that a worker does not have yet puts its runs off', async (t) => {
  await using it = await halfImport(t)
  const newer = `newer:${randomBytes(32).toString('base64')}`
  const both = loadConfig({
    ...it.environment,
    ENCRYPTION_KEYS: `${newer},${it.environment['ENCRYPTION_KEYS']}`,
  })
  const keys = both.secrets.encryptionKeys
  const behind = startWorker(t, it.config)
  // It has checked its keys at the start.
  await until(async () => (await theRun(it)).state === 'running')
  await resealOnce({ db: it.db, keys }, new AbortController().signal)
  await until(async () => (await theRun(it)).waitReason?.includes('"newer"') ?? false)

  t.like(await it.db.selectFrom('integration').selectAll().executeTakeFirstOrThrow(), {
    status: 'active',
  })
  await behind.stop()
  await it.db.updateTable('run').set({ resumeAt: new Date() }).execute()
  startWorker(t, both)
  await endsExactly(t, it)
  await t.notThrowsAsync(checkKeys(it.db, keys.slice(0, 1)))
})

test.serial('a credential that is destroyed in the middle ends the run', async (t) => {
  await using it = await importHalf(t)

  await it.db.transaction().execute(async (trx) => {
    const { integrationId } = await trx
      .selectFrom('credential')
      .select('integrationId')
      .executeTakeFirstOrThrow()
    await destroyCredential(trx, IntegrationId.parse(integrationId))
  })
  const cursor = await haltedCursor(t, it, 'credentials_revoked')

  t.regex((await integrationJson(it)).error?.message ?? '', /no stored credential/)
  await goOnToTheEnd(t, it, cursor)
})

/** Starts a worker on an account whose token has ended, and kills it while it waits for a new one. */
async function killInRefresh(t: ExecutionContext, it: HalfImported): Promise<void> {
  await it.simulator.advanceClock(2 * DAY_MS)
  const worker = spawnEntry(t, 'src/worker.ts', it.environment)
  await until(async () => (await it.simulator.listFaults())[0]?.hit === 1)
  worker.child.kill('SIGKILL')
  await worker.exited
  await it.simulator.clearFaults()
}

function theRun({ db }: HalfImported) {
  return db.selectFrom('run').selectAll().executeTakeFirstOrThrow()
}

async function endsExactly(t: ExecutionContext, it: HalfImported): Promise<void> {
  const runs = await untilRunsEnd(it.db)
  t.deepEqual(
    runs.map((run) => run.state),
    ['done'],
  )
  for (const run of runs) t.is(unaccounted(run), 0)
  t.deepEqual(differencesFrom(it.simulator, 'acme', await wholeFeed(it.api)), [])
}
