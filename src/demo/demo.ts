import { randomBytes } from 'node:crypto'
import { pause } from '../platform/lifecycle.ts'
import {
  type Api,
  type IntegrationStatus,
  type Publication,
  connectAccount,
  readFeed,
  readIntegration,
  windowStart,
} from './api.ts'
import { type Comparison, type ExpectedTranscript, compare } from './compare.ts'
import { progressWriter } from './progress.ts'
import { renderAddresses, renderTranscripts } from './show.ts'

const WORKSPACE = 'demo'

/** The simulated account, as the demo needs it. */
export interface DemoAccount {
  readonly subdomain: string
  readonly simulatorUrl: string
  readonly expected: (from: Date) => Iterable<ExpectedTranscript>
  readonly privateToken: RegExp
}

/** What the demo's service is configured with on top of the caller's environment. */
export function demoSecrets(): { ADMIN_TOKEN: string; ENCRYPTION_KEYS: string } {
  return {
    ADMIN_TOKEN: randomBytes(18).toString('base64url'),
    ENCRYPTION_KEYS: `demo:${randomBytes(32).toString('base64')}`,
  }
}

/**
 * The tour: connects the simulated account through the real consent, watches the backfill, shows what
 * came out and holds it against the simulator's own truth. Returns that comparison.
 */
export async function tour(
  api: Api,
  account: DemoAccount,
  options: { readonly staysUp: boolean; readonly signal: AbortSignal },
): Promise<Comparison> {
  const { subdomain, simulatorUrl } = account
  const say = (text: string): void => void process.stdout.write(`${text}\n`)
  say(`Connecting the simulated Zendesk account "${subdomain}" …`)
  const integrationId = await connectAccount(api, { workspaceId: WORKSPACE, subdomain })
  say('Connected. Importing the last 90 days:')
  const integration = await watchBackfill(api, integrationId, options.signal)

  const publications: Publication[] = []
  for await (const publication of readFeed(api, WORKSPACE)) publications.push(publication)
  say(renderTranscripts(publications))
  const comparison = compare(
    account.expected(windowStart(integration)),
    publications,
    account.privateToken,
  )
  say(verdict(comparison))
  if (options.staysUp) {
    say(renderAddresses(api, { workspaceId: WORKSPACE, integrationId, subdomain, simulatorUrl }))
  }
  return comparison
}

async function watchBackfill(
  api: Api,
  id: string,
  signal: AbortSignal,
): Promise<IntegrationStatus> {
  const write = progressWriter(process.stdout)
  for (;;) {
    signal.throwIfAborted()
    const integration = await readIntegration(api, id)
    if (integration.backfill !== null) write(integration.backfill, integration.counts.published)
    if (isOver(integration)) return integration
    await pause(250, signal)
  }
}

function isOver({ status, error, backfill }: IntegrationStatus): boolean {
  if (status === 'errored') throw new Error(`the integration stopped: ${error?.message}`)
  if (backfill?.state === 'failed') throw new Error('the backfill failed')
  return backfill?.state === 'done'
}

function verdict({ transcripts, comments, differences }: Comparison): string {
  if (differences.length === 0) {
    return `Checked against the account: all ${transcripts} transcripts with their ${comments} public comments are published once, and nothing else.`
  }
  const shown = differences.slice(0, 20).map((line) => `  ${line}`)
  return `Checked against the account: ${differences.length} differences\n${shown.join('\n')}`
}
