import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../db/embedded.ts'
import { type Leashed, spawnOnLeash } from '../db/embedded/leash.ts'
import { runEntry } from '../src/platform/lifecycle.ts'
import { closingLine, countTests } from './support/runner/count-tests.ts'
import { memoryFolder } from './support/runner/memory-folder.ts'
import { makeTemplate } from './support/runner/template.ts'

/**
 * What `npm test` runs after the static checks: a Postgres server (the one of DATABASE_URL or an
 * embedded one), a migrated template database, then ava, whose tests clone the template. The last
 * line it prints counts the tests. Arguments go to ava: `npm test -- test/one.test.ts`.
 */
const root = join(import.meta.dirname, '..')

/** Each test file is a process of its own. More than there are cores, for most of them wait a lot. */
const CONCURRENCY = Math.min(availableParallelism() + 2, 6)

/** Each process loads the same modules; they are stripped of their types and compiled once. */
const COMPILED = join(root, 'node_modules', '.cache', 'compiled')

/**
 * The time in which no test at all finishes. A slow machine must not look like a hanging test, which
 * says by itself what it waited for in vain (see `support/patience.ts`).
 */
const TIMEOUT = '8m'

await runEntry(async (signal) => {
  const result = await withServer(async (serverUrl) => {
    await using template = await makeTemplate(serverUrl)
    if (signal.aborted) return { output: '', exitCode: 1 }
    return await runAva(startAva(serverUrl, template.name), signal)
  })
  const counts = countTests(result.output, result.exitCode)
  process.exitCode = counts.passed === 0 ? result.exitCode || 1 : result.exitCode
  process.stdout.write(`${closingLine(counts)}\n`)
})

async function withServer<T>(use: (serverUrl: string) => Promise<T>): Promise<T> {
  const { DATABASE_URL } = process.env
  if (DATABASE_URL !== undefined && DATABASE_URL !== '') return await use(DATABASE_URL)
  await using postgres = await startEmbeddedPostgres({ durable: false, root: memoryFolder() })
  return await use(postgres.url)
}

function startAva(serverUrl: string, template: string): Leashed {
  const { DATABASE_URL: _, ...env } = process.env
  const ava = join(root, 'node_modules/ava/entrypoints/cli.js')
  const options = [`--concurrency=${CONCURRENCY}`, `--timeout=${TIMEOUT}`]
  return spawnOnLeash([process.execPath, ava, ...options, ...process.argv.slice(2)], {
    cwd: root,
    env: {
      ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}),
      NODE_COMPILE_CACHE: COMPILED,
      ...env,
      TEST_DATABASE_URL: serverUrl,
      TEST_TEMPLATE: template,
    },
    stdout: 'pipe',
    stderr: 'inherit',
  })
}

async function runAva(
  ava: Leashed,
  signal: AbortSignal,
): Promise<{ output: string; exitCode: number }> {
  signal.addEventListener('abort', () => ava.stop(), { once: true })
  let output = ''
  ava.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text
    process.stdout.write(text)
  })
  return { exitCode: await ava.ended, output }
}
