import { openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { ExecutionContext } from 'ava'
import { type Leashed, spawnOnLeash } from '../../../db/embedded/leash.ts'
import type { Environment } from '../../../src/platform/config/config.ts'
import { freePort } from '../environment.ts'

const ROOT = path.join(import.meta.dirname, '..', '..', '..')

/** Runs scripts of package.json by npm, as people do, until they end or the test does. */
export type Npm = (script: string) => Leashed & { readonly output: () => string }

export async function anNpm(t: ExecutionContext, environment: Environment): Promise<Npm> {
  const folder = await mkdtemp(path.join(tmpdir(), 'npm-'))
  t.teardown(() => rm(folder, { recursive: true }))
  return (script) => {
    const file = path.join(folder, script.replace(':', '-'))
    const output = openSync(file, 'w')
    const started = spawnOnLeash(['npm', 'run', '--silent', script], {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], HOME: folder, ...environment },
      stdout: output,
      stderr: output,
    })
    t.teardown(async () => {
      started.stop()
      await started.ended
    })
    return { ...started, output: () => readFileSync(file, 'utf8') }
  }
}

/** The receiver of the examples, at an address of its own. */
export async function aShownReceiver(
  t: ExecutionContext,
  secret: string,
): Promise<{ readonly url: string }> {
  const port = await freePort()
  const folder = await mkdtemp(path.join(tmpdir(), 'receiver-'))
  const output = openSync(path.join(folder, 'output'), 'w')
  const started = spawnOnLeash([process.execPath, 'examples/sink-receiver.ts'], {
    cwd: ROOT,
    env: { PORT: String(port), SECRET: secret, SEEN: path.join(folder, 'seen.ids') },
    stdout: output,
    stderr: output,
  })
  t.teardown(async () => {
    started.stop()
    await started.ended
    await rm(folder, { recursive: true })
  })
  return { url: `http://127.0.0.1:${port}/` }
}
