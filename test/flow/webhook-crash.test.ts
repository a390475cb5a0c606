import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId } from '../../src/ids.ts'
import { type Environment, loadConfig } from '../../src/platform/config/config.ts'
import { testDatabase } from '../support/database.ts'
import { testEnvironment } from '../support/environment.ts'
import { startPostgresProxy } from '../support/postgres-proxy.ts'
import { RawConnection, rawRequest } from '../support/raw-http.ts'
import { type ServiceProcess, spawnEntry } from '../support/service.ts'
import { eventBody, signedHeaders } from '../support/signed.ts'
import { until } from '../support/truth.ts'
import { aHintedIntegration } from '../support/webhook-rows.ts'

// A web process of its own, in the middle of a flood. `OUTAGE_SECONDS` and `FLOOD` set their size.

const OUTAGE_MS = Number(process.env['OUTAGE_SECONDS'] ?? 2) * 1_000
const FLOOD = Number(process.env['FLOOD'] ?? 1_000)
const AT_ONCE = 32
const ZENDESK = { urlTemplate: 'https://{subdomain}.zendesk.com' }

test.serial(
  'what was acknowledged stands in the table when the process is killed in mid-flood',
  async (t) => {
    const { url, db } = await testDatabase(t)
    const environment = await testEnvironment(url, ZENDESK, { LOG_LEVEL: 'info' })
    const { web, flood } = await aFlood(t, { db, environment })

    await until(async () => flood.accepted.length >= FLOOD)
    web.child.kill('SIGKILL')
    await web.exited
    await flood.ended

    await assertStored(t, db, flood.accepted)
    t.deepEqual([...new Set(flood.answers)], [200])
  },
)

test.serial(
  'what was acknowledged stands in the table when the process is told to stop',
  async (t) => {
    const { url, db } = await testDatabase(t)
    const environment = await testEnvironment(url, ZENDESK, { LOG_LEVEL: 'info' })
    const { web, flood } = await aFlood(t, { db, environment })

    await until(async () => flood.accepted.length >= FLOOD)
    web.child.kill('SIGTERM')
    t.is(await web.exited, 0)
    await flood.ended

    await assertStored(t, db, flood.accepted)
    t.deepEqual([...new Set(flood.answers)], [200])
  },
)

test.serial(
  'a database that is away in mid-flood is answered with "come again", and comes back',
  async (t) => {
    t.timeout(10 * 60_000)
    const { url, db } = await testDatabase(t)
    const proxy = await startPostgresProxy(t, url)
    const environment = await testEnvironment(proxy.url, ZENDESK, { LOG_LEVEL: 'info' })
    const { web, flood } = await aFlood(t, { db, environment })
    await until(async () => flood.accepted.length >= FLOOD)

    proxy.shut(true)
    await until(async () => flood.refused >= 100)
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS))
    const during = flood.accepted.length
    proxy.shut(false)
    await until(async () => flood.accepted.length >= during + FLOOD)
    flood.stop()
    await flood.ended

    t.deepEqual(new Set(flood.answers), new Set([200, 503]))
    t.is(flood.withoutRetryAfter, 0)
    await assertStored(t, db, flood.accepted)
    t.is(web.child.exitCode, null)
    t.true(/"leftOut":\d+,"msg":"a hint could not be stored"/.test(web.output()))
    t.log(`${flood.accepted.length} accepted, ${flood.refused} asked to come again`)
  },
)

async function assertStored(
  t: ExecutionContext,
  db: Kysely<Database>,
  accepted: readonly string[],
): Promise<void> {
  const rows = await db.selectFrom('hint').select('eventId').execute()
  const stored = new Set(rows.map(({ eventId }) => eventId))
  t.deepEqual(
    accepted.filter((id) => !stored.has(id)),
    [],
  )
  t.true(accepted.length >= FLOOD)
}

interface Where {
  readonly db: Kysely<Database>
  readonly environment: Environment
}

async function aFlood(t: ExecutionContext, { db, environment }: Where) {
  const integrationId = await aHintedIntegration(db, loadConfig(environment))
  const web: ServiceProcess = spawnEntry(t, 'src/web.ts', environment)
  await until(async () => /"msg":"listening"/.test(web.output()))
  const flood = new Flood(Number(environment['PORT']), integrationId)
  t.teardown(async () => {
    flood.stop()
    await flood.ended
  })
  return { web, flood }
}

/** Deliveries over many connections, the next when the last is answered, until the end of the server. */
class Flood {
  readonly accepted: string[] = []
  readonly answers: number[] = []
  refused = 0
  withoutRetryAfter = 0
  readonly ended: Promise<unknown>
  readonly #port: number
  readonly #path: string
  #isStopped = false

  constructor(port: number, integrationId: IntegrationId) {
    this.#port = port
    this.#path = `/webhooks/zendesk/${integrationId}`
    this.ended = Promise.all(Array.from({ length: AT_ONCE }, () => this.#send()))
  }

  stop(): void {
    this.#isStopped = true
  }

  async #send(): Promise<void> {
    const connection = new RawConnection(this.#port)
    while (!this.#isStopped) {
      const id = randomUUID()
      const body = Buffer.from(eventBody({ id }))
      const headers = { ...signedHeaders(body), 'content-length': String(body.length) }
      const answer = await connection
        .send(rawRequest(this.#path, headers, body))
        .catch(() => 'closed' as const)
      if (typeof answer !== 'number') break
      this.answers.push(answer)
      if (answer === 200) this.accepted.push(id)
      else this.refused += 1
      if (answer === 503 && !/^retry-after: 10\r$/im.test(connection.text)) {
        this.withoutRetryAfter += 1
      }
    }
    connection.close()
  }
}
