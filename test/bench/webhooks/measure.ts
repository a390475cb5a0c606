import { randomBytes } from 'node:crypto'
import { connect } from '../../../db/connect.ts'
import { migrateToLatest } from '../../../db/migrate.ts'
import { type Environment, loadConfig } from '../../../src/platform/config/config.ts'
import { queues } from '../../../src/queues.ts'
import { createDatabase, testEnvironment } from '../../support/environment.ts'
import { aHintedIntegration } from '../../support/webhook-rows.ts'
import { startProcess } from '../processes.ts'
import type { Load, LoadOptions } from './load.ts'

/** How a hint is stored: as the service does it, not at all, or by a statement of its own. */
export type Storing = 'batches' | 'none' | 'each'

export interface WebhookLoad extends Load {
  readonly storing: Storing
  /** Hints in the table. */
  readonly stored: number
}

/** Deliveries to a web process of its own, from a process of its own. */
export async function measureWebhooks(
  server: string,
  storing: Storing,
  size: Pick<LoadOptions, 'connections' | 'measureMs'>,
): Promise<WebhookLoad> {
  const databaseUrl = await createDatabase(server, `webhooks_${randomBytes(4).toString('hex')}`)
  await migrateToLatest(databaseUrl, queues)
  const db = connect(databaseUrl)
  await using _db = { [Symbol.asyncDispose]: () => db.destroy() }
  const environment = await testEnvironment(
    databaseUrl,
    { urlTemplate: 'https://{subdomain}.zendesk.com' },
    { LOG_LEVEL: 'warn' },
  )
  const integrationId = await aHintedIntegration(db, loadConfig(environment))
  await using web = await startWeb(storing, environment)
  const options = {
    ...size,
    port: web.port,
    integrationId,
    warmUpMs: 2_000,
    most: 200_000,
  }
  await using load = startProcess('test/bench/webhooks/load.ts', [JSON.stringify(options)])
  const measured = JSON.parse(await load.firstLine) as Load
  const { stored } = await db
    .selectFrom('hint')
    .select(({ fn }) => fn.countAll<number>().as('stored'))
    .executeTakeFirstOrThrow()
  return { storing, stored, ...measured }
}

async function startWeb(storing: Storing, environment: Environment) {
  const port = Number(environment['PORT'])
  if (storing === 'batches') {
    const web = startProcess('src/web.ts', [], environment)
    web.firstLine.catch(() => {})
    await untilReady(port)
    return Object.assign(web, { port })
  }
  const web = startProcess('test/bench/webhooks/server.ts', [storing], environment)
  await web.firstLine
  return Object.assign(web, { port })
}

async function untilReady(port: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    if (answer?.ok === true) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
