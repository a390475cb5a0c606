import type { ExecutionContext } from 'ava'
import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import { type Api, connectAccount } from '../../src/demo/api.ts'
import { type Config, type Environment, loadConfig } from '../../src/platform/config/config.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { startWeb } from '../../src/web.ts'
import { runWorker } from '../../src/worker.ts'
import { testDatabase } from './database.ts'
import { testEnvironment } from './environment.ts'

export interface FrontDoor {
  readonly api: Api
  readonly url: string
  readonly db: Kysely<Database>
  readonly environment: Environment
  readonly config: Config
  /** Connects the account of this name to the workspace; its import waits for a worker. */
  readonly connect: (subdomain: string, workspaceId?: string) => Promise<string>
  /** Consents again, as the link of a reconnect asks for. */
  readonly reconnect: (integrationId: string) => Promise<void>
}

/** The web process alone, in this process: its imports wait until a test starts a worker. */
export async function startFrontDoor(
  t: ExecutionContext,
  simulator: { readonly urlTemplate: string },
  overrides: Environment = {},
): Promise<FrontDoor> {
  const { url, db } = await testDatabase(t)
  const environment = await testEnvironment(url, simulator, overrides)
  const config = loadConfig(environment)
  setLogLevel('silent')
  const web = await startWeb(config)
  t.teardown(() => web[Symbol.asyncDispose]())
  const api = { baseUrl: config.publicUrl, adminToken: config.secrets.adminToken ?? '' }
  return {
    api,
    url,
    db,
    environment,
    config,
    connect: (subdomain, workspaceId = 'w1') => connectAccount(api, { workspaceId, subdomain }),
    reconnect: (integrationId) => reconnect(api, integrationId),
  }
}

async function reconnect(api: Api, integrationId: string): Promise<void> {
  const answer = await fetch(`${api.baseUrl}/admin/integrations/${integrationId}/reconnect`, {
    method: 'POST',
    headers: { authorization: `Bearer ${api.adminToken}` },
  })
  const { authorize_url: link } = (await answer.json()) as { authorize_url: string }
  const page = await fetch(link)
  if (!page.ok) throw new Error(`the consent ended with ${page.status}`)
}

/** A worker in this process, until it is stopped or the test ends. */
export function startWorker(t: ExecutionContext, config: Config): { stop: () => Promise<void> } {
  const controller = new AbortController()
  const ended = runWorker(config, controller.signal)
  const stop = async (): Promise<void> => {
    controller.abort(new Error('stopping'))
    await ended
  }
  t.teardown(stop)
  return { stop }
}
