import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import type { Environment } from '../../../src/platform/config/config.ts'

const run = promisify(execFile)
const module_ = path.join(import.meta.dirname, '../../../src/platform/config/dev-secrets.ts')

/** What a process that is started in the folder takes for its environment, and what it prints. */
async function startIn(folder: string, environment: Environment = {}) {
  const script = `
    const { withDevelopmentSecrets } = await import(${JSON.stringify(module_)})
    process.stdout.write(JSON.stringify(withDevelopmentSecrets(${JSON.stringify(environment)})))`
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder,
  })
  return { environment: JSON.parse(stdout) as Environment, stderr }
}

async function aFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dev-secrets-'))
  t.teardown(() => rm(folder, { recursive: true }))
  return folder
}

test('processes that start at once agree on secrets, and one of them prints the token', async (t) => {
  const folder = await aFolder(t)

  const started = await Promise.all(Array.from({ length: 6 }, () => startIn(folder)))

  const [first] = started
  const token = first?.environment['ADMIN_TOKEN'] ?? ''
  t.regex(token, /^[\w-]{32}$/)
  t.regex(first?.environment['ENCRYPTION_KEYS'] ?? '', /^dev:[\w+/]{43}=$/)
  for (const { environment } of started) t.deepEqual(environment, first?.environment)
  t.is(started.filter(({ stderr }) => stderr.includes(token)).length, 1)
  t.deepEqual(await readdir(path.join(folder, '.data')), ['secrets.json'])
  t.is((await stat(path.join(folder, '.data/secrets.json'))).mode & 0o777, 0o600)
})

test('a token that is given is used, and none is printed', async (t) => {
  const { environment, stderr } = await startIn(await aFolder(t), { ADMIN_TOKEN: 'given' })

  t.is(environment['ADMIN_TOKEN'], 'given')
  t.regex(environment['ENCRYPTION_KEYS'] ?? '', /^dev:/)
  t.is(stderr, '')
})

test('in production, and where both are given, nothing is made', async (t) => {
  const folder = await aFolder(t)
  const given = { ADMIN_TOKEN: 'given', ENCRYPTION_KEYS: 'k1:given' }

  t.deepEqual((await startIn(folder, { NODE_ENV: 'production' })).environment, {
    NODE_ENV: 'production',
  })
  t.deepEqual((await startIn(folder, given)).environment, given)
  t.deepEqual(await readdir(folder), [])
})

test('a folder that cannot keep them is told', async (t) => {
  const folder = await aFolder(t)
  await writeFile(path.join(folder, '.data'), '')

  await t.throwsAsync(startIn(folder), { message: /ADMIN_TOKEN, ENCRYPTION_KEYS: missing/ })
})
