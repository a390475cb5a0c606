import { setTimeout as sleep } from 'node:timers/promises'
import Router from '@koa/router'
import type { Kysely } from 'kysely'
import { connect } from '../db/connect.ts'
import { assertMigrated } from '../db/migrate.ts'
import type { Database } from '../db/schema.ts'
import { actionRoutes } from './admin/actions/routes.ts'
import { explainRoutes } from './admin/explain/routes.ts'
import { healthRoutes } from './admin/health-routes.ts'
import { integrationRoutes } from './admin/integration-routes.ts'
import { integrationOperations } from './admin/openapi/integration-operations.ts'
import { openApiRoutes } from './admin/openapi/route.ts'
import { serviceOperations } from './admin/openapi/service-operations.ts'
import { workspaceOperations } from './admin/openapi/workspace-operations.ts'
import { previewRoutes } from './admin/preview/routes.ts'
import { publicationRoutes } from './admin/sinks/publication-routes.ts'
import { sinkRoutes } from './admin/sinks/routes.ts'
import { webhookSecretRoutes } from './admin/webhook/routes.ts'
import { metricsRoutes } from './admin/metrics/routes.ts'
import { WebMetrics } from './admin/metrics/web-metrics.ts'
import { statusRoutes } from './admin/status/routes.ts'
import { workspaceRoutes } from './admin/workspace-routes.ts'
import { connectOperations } from './connect/openapi/operations.ts'
import { connectRoutes } from './connect/routes.ts'
import { checkKeys } from './credential/keys-store.ts'
import { checkSinkKeys } from './outbox/sink/secret-store.ts'
import { requireRead } from './platform/http/auth.ts'
import { closeBoss, openBoss } from './platform/boss.ts'
import { type Config, loadConfig } from './platform/config/config.ts'
import { withDevelopmentSecrets } from './platform/config/dev-secrets.ts'
import { createApp, routesOf } from './platform/http/app.ts'
import type { Operation } from './platform/http/openapi/operation.ts'
import { aborted, runEntry } from './platform/lifecycle.ts'
import { webLog as log, setLogLevel } from './platform/log.ts'
import { listen } from './platform/http/server.ts'
import { feedOperations } from './publish/feed/operations.ts'
import { feedRoutes } from './publish/feed/routes.ts'
import { releaserOf } from './upkeep.ts'
import { sinkNames } from './relay.ts'
import { webhookOperations } from './webhook/openapi/operations.ts'
import { openIntake } from './webhook/intake-store.ts'
import { ZendeskClient } from './zendesk/client.ts'

export interface Web extends AsyncDisposable {
  readonly port: number
  /** What it answers, each as method and pattern. */
  readonly routes: readonly string[]
  /** Sends clients to other processes, and serves those who come nevertheless. */
  readonly leave: () => void
}

/** So long a router may go on to send requests after it was told, or could see, that we stop. */
const LEAVING_MS = 3_000

/** A body that takes longer is not waited for while the process stops; nor would its sender wait. */
const LAST_BODY_MS = 5_000

/** All that the document of the service describes. */
export const operations: readonly Operation[] = [
  ...serviceOperations,
  ...workspaceOperations,
  ...integrationOperations,
  ...connectOperations,
  ...feedOperations,
  ...webhookOperations,
]

/** Serves HTTP until it is disposed of; closes in reverse what it opened, also if it throws. */
export async function startWeb(config: Config): Promise<Web> {
  await assertMigrated(config.databaseUrl)
  await using stack = new AsyncDisposableStack()
  const leaving = new AbortController()
  const db = connect(config.databaseUrl, { stop: leaving.signal })
  stack.defer(() => db.destroy())
  await checkKeys(db, config.secrets.encryptionKeys)
  await checkSinkKeys(db, config.secrets.encryptionKeys)
  const boss = await openBoss(config.databaseUrl, { maintain: false })
  stack.defer(() => closeBoss(boss))
  const zendesk = stack.use(new ZendeskClient({ db, config }))
  const intake = stack.use(openIntake(config))
  const release = releaserOf({ db, config, zendesk })
  const web = new WebMetrics()
  const sinks = Object.values(sinkNames(config))
  const routers = [
    openApiRoutes(operations, config),
    intake.routes,
    healthRoutes({ db, leaving: leaving.signal }),
    statusRoutes({ db, sinks, config }),
    metricsRoutes({ db, sinks, config, web }),
    workspaceRoutes({ db, config }),
    sinkRoutes({ db, config }),
    publicationRoutes({ db, config }),
    integrationRoutes({ db, config }),
    actionRoutes({ db, boss, config, release }),
    explainRoutes({ db, config }),
    webhookSecretRoutes({ db, config }),
    previewRoutes({ db, zendesk, config }),
    connectRoutes({ db, boss, zendesk, config }),
    guardedFeed({ db, config, signal: leaving.signal }),
  ]
  const app = createApp(routers, { publicUrl: config.publicUrl, observe: web.observe })
  const { port } = stack.use(await listen(app, config, leaving.signal))
  stack.defer(() => void setTimeout(intake.giveUp, LAST_BODY_MS).unref())
  // Whoever waits for news is answered before the server waits for whoever is not.
  const leave = (): void => leaving.abort()
  stack.defer(leave)
  log.info({ port }, 'listening')
  const opened = stack.move()
  const routes = routesOf(routers)
  return { port, routes, leave, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

function guardedFeed(deps: { db: Kysely<Database>; config: Config; signal: AbortSignal }): Router {
  const feed = feedRoutes(deps)
  return new Router().use('/v1', requireRead(deps.config.secrets)).use(feed.routes())
}

if (import.meta.main) {
  await runEntry(async (signal) => {
    const config = loadConfig(withDevelopmentSecrets(process.env))
    setLogLevel(config.logLevel)
    await using web = await startWeb(config)
    await aborted(signal)
    web.leave()
    await sleep(LEAVING_MS)
  })
}
