import { randomBytes } from 'node:crypto'
import { connect } from '../../../db/connect.ts'
import { migrateToLatest } from '../../../db/migrate.ts'
import { queues } from '../../../src/queues.ts'
import { createDatabase, testEnvironment } from '../../support/environment.ts'
import { startProcess } from '../processes.ts'
import { type Filled, fillService } from './fill.ts'

export interface PageMeasurement {
  readonly page: string
  readonly medianMs: number
  readonly p95Ms: number
}

export interface StatusMeasurement {
  readonly filled: Filled
  readonly pages: readonly PageMeasurement[]
}

/**
 * The pages of a service with so many hints, entries and deliveries, asked one after the other. The web
 * process is there before the rows are: it would refuse to start with secrets that nobody has sealed.
 */
export async function measureStatus(server: string, rows: number): Promise<StatusMeasurement> {
  const url = await createDatabase(server, `status_${randomBytes(4).toString('hex')}`)
  await migrateToLatest(url, queues)
  const zendesk = { urlTemplate: 'https://{subdomain}.zendesk.com' }
  const environment = await testEnvironment(url, zendesk, { LOG_LEVEL: 'warn' })
  await using web = startProcess('src/web.ts', [], environment)
  web.firstLine.catch(() => {})
  const { PUBLIC_URL: baseUrl = '', ADMIN_TOKEN: token = '' } = environment
  const ask = askerOf(baseUrl, token)
  while ((await ask('/readyz').catch(() => '')) === '') await pause(100)
  const db = connect(url)
  await using _db = { [Symbol.asyncDispose]: () => db.destroy() }
  const filled = await fillService(db, rows)
  return { filled, pages: await measurePages(ask) }
}

type Ask = (path: string) => Promise<string>

function askerOf(baseUrl: string, token: string): Ask {
  return async (path) => {
    const answer = await fetch(`${baseUrl}${path}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${text}`)
    return text
  }
}

async function measurePages(ask: Ask): Promise<PageMeasurement[]> {
  const errored = '/admin/integrations?status=errored'
  const list = JSON.parse(await ask(errored)) as { data: { id: string }[] }
  const one = `/admin/integrations/${list.data[0]?.id ?? ''}`
  const pages: PageMeasurement[] = []
  for (const path of ['/admin/status', '/metrics', errored, one]) {
    const page = path === one ? '/admin/integrations/{id}' : path
    pages.push({ page, ...(await timed(path, ask)) })
  }
  return pages
}

const TIMES = 100

async function timed(page: string, ask: Ask): Promise<Omit<PageMeasurement, 'page'>> {
  for (let warm = 0; warm < 5; warm++) await ask(page)
  const durations: number[] = []
  for (let time = 0; time < TIMES; time++) {
    const startedAt = performance.now()
    await ask(page)
    durations.push(performance.now() - startedAt)
  }
  durations.sort((a, b) => a - b)
  const at = (share: number) => durations[Math.floor(TIMES * share)] ?? 0
  return { medianMs: at(0.5), p95Ms: at(0.95) }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
