import { setTimeout as pause } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { type Kysely, sql } from 'kysely'
import { connect } from '../../../db/connect.ts'
import type { Database } from '../../../db/schema.ts'
import type { IntegrationId } from '../../../src/ids.ts'
import { startPostgresProxy } from '../../support/postgres-proxy.ts'
import { type Snapshot, restoreSnapshot } from '../../support/snapshot.ts'
import { type Account, consent } from './account.ts'
import { commitOf } from './commits.ts'
import { type EndState, endStateOf } from './end-state.ts'
import type { Step } from './steps.ts'
import { type Told, type Worker, anOutside, startWorker } from './worker.ts'

/** One of the commits of a pass: the so-manieth of those that write the same tables. */
export interface Commit {
  readonly writes: string
  readonly place: number
}

export interface Crash extends Commit {
  readonly when: 'before' | 'after'
}

export interface Setting {
  readonly account: Account
  readonly integrationId: IntegrationId
  /** The database; nobody is connected to it. */
  readonly url: string
}

/** What is done again, from the rows that stood before it. */
export interface Replay {
  readonly from: Snapshot
  readonly crash: Crash
}

export interface Played {
  /** Of the worker that did not die. */
  readonly commits: readonly Commit[]
  readonly hasCrashed: boolean
  /** Its tokens were lost with the worker, and a person had to consent again. */
  readonly wasCutOff: boolean
  readonly state: EndState
  readonly received: Readonly<Record<'http' | 'file', readonly Told[]>>
}

/** Lets a worker do a pass; where it dies, another one does it again, to the end. */
export async function play(
  t: ExecutionContext,
  setting: Setting,
  step: Step,
  replay?: Replay,
): Promise<Played> {
  const { account, url } = setting
  if (replay !== undefined) await restoreSnapshot(url, replay.from)
  await using outside = await anOutside(t)
  const config = step.hasNewKey === true ? account.newerConfig : account.config
  const db = connect(url)
  try {
    if (step.tokens !== undefined) {
      await consent(setting, url, config)
      await step.tokens(db, setting.integrationId)
    }
    const terms = { ...setting, config, outside }
    const first = await doOnce(t, step, { db, url, terms, crash: replay?.crash })
    let wasCutOff = false
    if (first.hasCrashed) {
      await untilGone(db)
      wasCutOff = await goOn(setting, step, { db, url, terms })
    }
    const received = await outside.received()
    return { ...first, wasCutOff, received, state: await endStateOf(url) }
  } finally {
    await db.destroy()
  }
}

interface Doing {
  readonly db: Kysely<Database>
  readonly url: string
  readonly terms: Parameters<typeof startWorker>[1]
  readonly crash?: Crash | undefined
}

/** With the connections of the worker dies all that it could still write. */
async function doOnce(t: ExecutionContext, step: Step, { db, url, terms, crash }: Doing) {
  const commits: Commit[] = []
  let hasCrashed = false
  const proxy = await startPostgresProxy(t, url, {
    fateOf(statements) {
      const writes = commitOf(statements)
      if (writes === undefined || hasCrashed) return 'passes'
      const place = commits.filter((commit) => commit.writes === writes).length
      commits.push({ writes, place })
      if (writes !== crash?.writes || place !== crash.place) return 'passes'
      hasCrashed = true
      return `breaks ${crash.when}`
    },
    onBreak: () => proxy.shut(true),
  })
  await using worker = startWorker(proxy.url, terms)
  try {
    await step.run(worker, db)
  } catch (error) {
    if (!hasCrashed) throw error
  }
  return { commits, hasCrashed }
}

/** The server has noticed that the worker is dead: none of its sessions is left. */
async function untilGone(db: Kysely<Database>): Promise<void> {
  for (;;) {
    const { rows } = await sql`
      select from pg_stat_activity
      where datname = current_database() and backend_type = 'client backend'
        and pid <> pg_backend_pid()`.execute(db)
    if (rows.length === 0) return
    await pause(10)
  }
}

async function goOn(setting: Setting, step: Step, { db, url, terms }: Doing): Promise<boolean> {
  await using worker: Worker = startWorker(url, terms)
  await letTimePass(db)
  await step.run(worker, db)
  const cutOff = await sql`
    update integration set status = 'active', error_code = null, error_message = null
    where error_code = 'credentials_revoked' returning id`.execute(db)
  if (cutOff.rows.length === 0) return false
  await consent(setting, url, terms.config)
  await sql`
    insert into run (integration_id, kind, window_from)
    select integration_id, kind, now() from run where error_code = 'credentials_revoked'`.execute(
    db,
  )
  await using later: Worker = startWorker(url, terms)
  await step.run(later, db)
  return true
}

/** What a dead worker had claimed is left to others after a while, and what waits is due. */
async function letTimePass(db: Kysely<Database>): Promise<void> {
  await sql`update run set resume_at = now() where finished_at is null`.execute(db)
  await sql`
    update delivery set claimed_until = now(), next_attempt_at = now()
    where state = 'pending'`.execute(db)
  await sql`
    update credential set renew_by = now() - interval '1 minute'
    where renew_by < now() + interval '2 hours'`.execute(db)
}
