import { randomBytes } from 'node:crypto'
import { connect } from '../../../db/connect.ts'
import { saveCredential } from '../../../src/credential/store.ts'
import { type IntegrationId, Subdomain, WorkspaceId } from '../../../src/ids.ts'
import {
  createIntegration,
  lockIntegration,
  markConnected,
} from '../../../src/integration/store.ts'
import { type Config, loadConfig } from '../../../src/platform/config/config.ts'
import { queueBackfill } from '../../../src/run/due/backfill-store.ts'
import { type Simulator, startSimulator } from '../../../src/simulator/start.ts'
import { createWorkspace } from '../../../src/workspace/store.ts'
import { ZendeskClient } from '../../../src/zendesk/client.ts'
import { codeChallenge } from '../../../src/zendesk/oauth.ts'
import { testEnvironment } from '../../support/environment.ts'

const TICKETS = 24
const DAYS = 80
/** Less than the account has tickets, so that the import takes several pages. */
const PAGE_SIZE = 8

const SCOPE = 'read webhooks:write'

export const subdomain = Subdomain.parse('acme')
export const workspaceId = WorkspaceId.parse('w1')

/** A simulated account and how to talk to it. Nothing of ours changes it but mutations and refreshes. */
export interface Account extends AsyncDisposable {
  readonly simulator: Simulator
  readonly windowFrom: Date
  /** With the old key first, and with the new one. */
  readonly config: Config
  readonly newerConfig: Config
}

export async function startAccount(seed: string): Promise<Account> {
  const simulator = await startSimulator({
    seed,
    // Far beyond what the export hides, whatever the machine is busy with.
    minuteMs: 100,
    accounts: [
      {
        subdomain,
        tickets: TICKETS,
        days: DAYS,
        shape: { bigTickets: 0, deletedShare: 0.1, privateFromFirstShare: 0.1 },
        settings: { rates: { account: null, incremental: null } },
      },
    ],
  })
  const key = (name: string) => `${name}:${randomBytes(32).toString('base64')}`
  const [older, newer] = [key('older'), key('newer')]
  const environment = await testEnvironment('postgres://localhost/unused', simulator, {
    ZENDESK_SCOPE: SCOPE,
    // Nobody listens there, whatever ports the receivers are given.
    PUBLIC_URL: 'http://127.0.0.1:9',
  })
  return {
    simulator,
    windowFrom: new Date((await simulator.now()) - 90 * 86_400_000),
    config: loadConfig({ ...environment, ENCRYPTION_KEYS: older }),
    newerConfig: loadConfig({ ...environment, ENCRYPTION_KEYS: `${newer},${older}` }),
    [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose](),
  }
}

/** A workspace on a daily plan, and its integration, whose import waits for a worker. */
export async function connectAccount(account: Account, url: string): Promise<IntegrationId> {
  const db = connect(url)
  try {
    const { id } = await db.transaction().execute(async (trx) => {
      await createWorkspace(trx, workspaceId)
      return createIntegration(trx, { workspaceId, subdomain })
    })
    await db.updateTable('workspace').set({ plan: 'pro' }).where('id', '=', workspaceId).execute()
    const consenting = { account, integrationId: id }
    const zendeskUserId = await consent(consenting, url, account.config)
    await db.transaction().execute(async (trx) => {
      await markConnected(trx, (await lockIntegration(trx, id))!, zendeskUserId)
      await queueBackfill(trx, id, account.windowFrom)
    })
    await db
      .updateTable('cursor')
      .set({ pageSize: PAGE_SIZE })
      .where('integrationId', '=', id)
      .execute()
    return id
  } finally {
    await db.destroy()
  }
}

/** Stores tokens of a new consent, as a person gives it; answers whose they are. */
export async function consent(
  { account, integrationId }: { account: Account; integrationId: IntegrationId },
  url: string,
  config: Config,
): Promise<number> {
  const db = connect(url)
  await using zendesk = new ZendeskClient({ db, config })
  try {
    const newcomer = { integrationId, subdomain }
    const codeVerifier = 'v'.repeat(64)
    const redirectUri = 'http://127.0.0.1/callback'
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: 'hearflow',
      redirect_uri: redirectUri,
      scope: SCOPE,
      state: 's',
      code_challenge: codeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    })
    const base = account.simulator.urlTemplate.replace('{subdomain}', subdomain)
    const page = await fetch(`${base}/oauth/authorizations/new?${query.toString()}`, {
      redirect: 'manual',
    })
    const code = new URL(page.headers.get('location') ?? '').searchParams.get('code') ?? ''
    const { signal } = new AbortController()
    const tokens = await zendesk.exchangeCode(newcomer, { code, codeVerifier, redirectUri }, signal)
    const { userId } = await zendesk.probe(newcomer, tokens.accessToken, signal)
    const keys = config.secrets.encryptionKeys
    await db
      .transaction()
      .execute((trx) => saveCredential(trx, keys, newcomer.integrationId, tokens))
    return userId
  } finally {
    await db.destroy()
  }
}
