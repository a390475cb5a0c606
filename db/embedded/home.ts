import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseError } from '../../src/platform/errors.ts'
import type { Account } from './leash.ts'
import { isOpenToAll, serverAccount } from './binaries.ts'
import { stopPostmaster } from './postmaster.ts'
import { isTagAlive, processTag } from './process-table.ts'

/**
 * The folder of one embedded server: `data/` (what Postgres calls the data directory), `password`,
 * `postgres.log` and, where needed, `native/`, a copy of the binaries. While a process uses the
 * folder, its name says so: a temporary folder carries the process in its own name, a kept one
 * holds a symbolic link `owner` that points to it. Whoever finds a folder of a dead process may
 * take it over.
 */
export interface PostgresHome {
  readonly dir: string
  readonly data: string
  readonly account: Account | undefined
  /** Gives the folder up; a temporary one is removed. */
  close(): void
}

const TEMPORARY = 'hearflow-postgres-run-'
const LEFTOVER = /^hearflow-postgres-run-(\d+-\d+)-/

/** A folder for one run. First removes the folders, and servers, of runs that were killed. */
export async function openTemporaryHome(wanted = tmpdir()): Promise<PostgresHome> {
  const account = serverAccount()
  const root = temporaryRoot(wanted, account)
  await sweepLeftovers(root)
  const dir = mkdtempSync(join(root, `${TEMPORARY}${ownTag()}-`))
  if (account !== undefined) chmodSync(dir, 0o711)
  const close = (): void => removeTree(dir)
  return { dir, data: join(dir, 'data'), account, close }
}

/** A folder that stays; waits for a server that its killed owner left to stop. */
export async function openKeptHome(path: string): Promise<PostgresHome> {
  const { dir, release } = takeKeptDir(resolve(path))
  const data = join(dir, 'data')
  try {
    await stopPostmaster(data)
    return { dir, data, account: keptAccount(data), close: release }
  } catch (error) {
    release()
    throw error
  }
}

function takeKeptDir(path: string): { dir: string; release: () => void } {
  try {
    const dir = makeKeptDir(path, serverAccount())
    return { dir, release: claim(dir) }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw cause
    throw new DatabaseError(
      `the database folder ${path} cannot be written by this user: start as the user it belongs to, ` +
        'delete it, or set DATABASE_URL to another Postgres server',
      { cause },
    )
  }
}

/** A folder where a lent account can reach its data; an ordinary user takes the one that is wanted. */
function temporaryRoot(wanted: string, account: Account | undefined): string {
  const root = realpathSync(wanted)
  if (account === undefined || isOpenToAll(root)) return root
  return realpathSync('/var/tmp')
}

async function sweepLeftovers(root: string): Promise<void> {
  for (const name of readdirSync(root)) {
    const tag = LEFTOVER.exec(name)?.[1]
    if (tag === undefined || isTagAlive(tag)) continue
    const dir = join(root, name)
    if (lstatSync(dir, { throwIfNoEntry: false })?.uid !== process.getuid?.()) continue
    await stopPostmaster(join(dir, 'data'))
    removeLeftover(root, dir)
  }
}

/** Two starts may sweep at once: the one whose rename succeeds removes the folder. */
function removeLeftover(root: string, dir: string): void {
  const mine = join(root, `${TEMPORARY}${ownTag()}-${dir.slice(-6)}`)
  try {
    renameSync(dir, mine)
  } catch {
    return
  }
  removeTree(mine)
}

function removeTree(dir: string): void {
  rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
}

/**
 * Makes the folder that was asked for or, where root asks for one that a lent account cannot reach
 * (below /root), one in /var/tmp that stands for it.
 */
function makeKeptDir(dir: string, account: Account | undefined): string {
  const created = mkdirSync(dir, { recursive: true })
  if (account === undefined) return realpathSync(dir)
  chmodSync(dir, 0o711)
  if (isOpenToAll(dir)) return realpathSync(dir)
  if (created !== undefined) rmSync(created, { recursive: true })
  const standIn = `/var/tmp/hearflow-postgres-kept-${createHash('sha256').update(dir).digest('hex').slice(0, 16)}`
  mkdirSync(standIn, { recursive: true })
  if (lstatSync(standIn).uid !== 0) throw new DatabaseError(`${standIn} must belong to root`)
  chmodSync(standIn, 0o711)
  return realpathSync(standIn)
}

/** Data that an ordinary user made is served under that user's account when root starts it. */
function keptAccount(data: string): Account | undefined {
  const account = serverAccount()
  if (account === undefined || !existsSync(data)) return account
  const { uid, gid } = statSync(data)
  return uid === 0 ? account : { uid, gid }
}

/**
 * Marks the folder as used by this process; gives back how to take the mark away. The mark is a
 * symbolic link because making one is atomic together with its content.
 */
function claim(dir: string): () => void {
  const owner = join(dir, 'owner')
  const other = ownerOf(owner)
  if (other !== undefined && isTagAlive(other)) {
    throw new DatabaseError(
      `the database in ${dir} is in use by process ${Number.parseInt(other, 10)}: ` +
        'stop that one first, or set DATABASE_URL to another Postgres server',
    )
  }
  rmSync(owner, { force: true })
  const tag = ownTag()
  symlinkSync(tag, owner)
  return () => {
    if (ownerOf(owner) === tag) rmSync(owner)
  }
}

function ownerOf(owner: string): string | undefined {
  return lstatSync(owner, { throwIfNoEntry: false }) === undefined ? undefined : readlinkSync(owner)
}

function ownTag(): string {
  const tag = processTag(process.pid)
  if (tag === undefined) throw new DatabaseError('cannot read the process table (/proc or ps)')
  return tag
}
