import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { Client } from 'pg'
import type { Environment } from '../../src/platform/config/config.ts'
import { DEFAULT_CLIENT } from '../../src/simulator/options.ts'
import { databaseUrl } from './database-url.ts'

/** What a service against a simulator needs in its environment. */
export async function testEnvironment(
  databaseUrl: string,
  simulator: { readonly urlTemplate: string },
  overrides: Environment = {},
): Promise<Environment> {
  const port = await freePort()
  return {
    NODE_ENV: 'test',
    DATABASE_URL: databaseUrl,
    PORT: String(port),
    HOST: '127.0.0.1',
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    ADMIN_TOKEN: randomBytes(16).toString('hex'),
    ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
    ZENDESK_CLIENT_ID: DEFAULT_CLIENT.id,
    ZENDESK_CLIENT_SECRET: DEFAULT_CLIENT.secret,
    ZENDESK_URL_TEMPLATE: simulator.urlTemplate,
    ZENDESK_MINUTE_MS: '100',
    // A test that counts requests, or looks at drift, says so itself.
    DRIFT_SAMPLE_SHARE: '0',
    LOG_LEVEL: 'silent',
    ...overrides,
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  return address.port
}

/** An empty database on the server; returns its address. */
export async function createDatabase(serverUrl: string, name: string): Promise<string> {
  const admin = new Client({ connectionString: serverUrl })
  await admin.connect()
  await admin.query(`create database ${name}`)
  await admin.end()
  return databaseUrl(serverUrl, name)
}
