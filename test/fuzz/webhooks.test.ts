import { readFileSync } from 'node:fs'
import test from 'ava'
import { EVENT_SUBSCRIPTIONS } from '../../src/hint/event-type.ts'
import { loadConfig } from '../../src/platform/config/config.ts'
import { testDatabase } from '../support/database.ts'
import { dumpRows } from '../support/dump.ts'
import { testEnvironment } from '../support/environment.ts'
import { randomFrom } from '../support/random.ts'
import { type RawAnswer, RawConnection, rawRequest } from '../support/raw-http.ts'
import { spawnEntry } from '../support/service.ts'
import { eventBody, signedHeaders } from '../support/signed.ts'
import { until } from '../support/truth.ts'
import { aHintedIntegration } from '../support/webhook-rows.ts'
import { type FuzzedDelivery, fuzzedDelivery } from './delivery.ts'

// Mutated deliveries against a web process of its own. `MUTATIONS` sets their number.

const MUTATED = Number(process.env['MUTATIONS'] ?? 3_000)
const AT_ONCE = 16
/** Memory is compared only where there were enough of them to say something. */
const ENOUGH_FOR_MEMORY = 50_000
const MOST_GROWTH_MB = 64

/** In every delivery, where a private comment would stand. */
const CANARY = 'canary-7d1f0c'

test('no delivery, however mutated, breaks the service, stays in it or stores what is no hint', async (t) => {
  t.timeout(60 * 60_000)
  const { url, db } = await testDatabase(t)
  const zendesk = { urlTemplate: 'https://{subdomain}.zendesk.com' }
  const environment = await testEnvironment(url, zendesk, { LOG_LEVEL: 'info' })
  const integrationId = await aHintedIntegration(db, loadConfig(environment))
  const web = spawnEntry(t, 'src/web.ts', environment)
  const port = Number(environment['PORT'])
  await until(async () => /"msg":"listening"/.test(web.output()))

  const first = new RawConnection(port)
  const body = Buffer.from(eventBody({ id: 'first', words: CANARY }))
  const headers = { ...signedHeaders(body), 'content-length': String(body.length) }
  const path = `/webhooks/zendesk/${integrationId}`
  t.is(await first.send(rawRequest(path, headers, body)), 200)

  const random = randomFrom(20_260_101)
  const stored = new Set(['first'])
  const counts = new Map<string, number>()
  const problems: string[] = []
  const memory: number[] = []
  let sent = 0
  const work = async (): Promise<void> => {
    const connection = new RawConnection(port)
    while (sent < MUTATED && problems.length < 20) {
      const number = sent++
      if (number % Math.ceil(MUTATED / 10) === 0) memory.push(residentMb(web.child.pid))
      const eventId = `event-${number}`
      const fuzzed = fuzzedDelivery({ random, integrationId, eventId, words: CANARY })
      const answer = await connection.send(fuzzed.request, fuzzed)
      if (!isAllowed(fuzzed, answer)) problems.push(`${number}: ${fuzzed.kind}: ${answer}`)
      if (connection.text.includes(CANARY)) problems.push(`${number}: the canary was answered`)
      if (answer === 200 && fuzzed.status === 200) stored.add(eventId)
      counts.set(String(answer), (counts.get(String(answer)) ?? 0) + 1)
    }
    connection.close()
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  const seconds = Math.round((performance.now() - startedAt) / 1_000)
  memory.push(residentMb(web.child.pid))

  t.log(`${sent} deliveries in ${seconds} s: ${JSON.stringify(Object.fromEntries(counts))}`)
  t.log(`resident MB: ${memory.join(', ')}`)
  t.deepEqual(problems, [])
  t.is(web.child.exitCode, null)
  t.is(await first.send(rawRequest(path, headers, body)), 200)
  first.close()

  const rows = await db.selectFrom('hint').selectAll().execute()
  const types = new Set(EVENT_SUBSCRIPTIONS.map((type) => type.split('.')[1]))
  const ids = new Set(rows.map(({ eventId }) => eventId))
  t.deepEqual(
    [...stored].filter((id) => !ids.has(id)),
    [],
  )
  t.true(rows.length > MUTATED / 30)
  t.deepEqual(
    rows.filter(
      (row) =>
        !/^[\w-]{1,64}$/.test(row.eventId) ||
        !(row.ticketId > 0) ||
        !types.has(row.type) ||
        row.occurredAt.year < 2000,
    ),
    [],
  )
  t.false((await dumpRows(url)).includes(CANARY))
  t.false(web.output().includes(CANARY))
  t.deepEqual(
    web
      .output()
      .split('\n')
      .filter((line) => /"level":"(error|fatal)"/.test(line)),
    [],
  )
  const growth = (memory.at(-1) ?? 0) - (memory[3] ?? 0)
  if (MUTATED >= ENOUGH_FOR_MEMORY) t.true(growth < MOST_GROWTH_MB, `grew by ${growth} MB`)
})

function isAllowed({ isLast, status }: FuzzedDelivery, answer: RawAnswer): boolean {
  if (typeof answer !== 'number') return answer === 'closed' && isLast
  return answer < 500 && (status === null || answer === status)
}

function residentMb(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
}
