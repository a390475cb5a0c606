import type { ExecutionContext } from 'ava'
import type { Environment } from '../../src/platform/config/config.ts'
import type { SettingsPatch } from '../../src/simulator/options.ts'
import { type Simulator, startSimulator } from '../../src/simulator/start.ts'
import { type Answer, type TestWeb, readAnswer, startTestWeb } from './web.ts'

export interface Consent extends TestWeb {
  readonly simulator: Simulator
  /** Asks for a link for this account; answers what came back. */
  readonly begin: (subdomain?: string) => Promise<Answer>
  /** Opens a link at Zendesk and stops before our callback: its address, with what Zendesk added. */
  readonly consent: (begun: Answer) => Promise<URL>
  readonly open: (callback: URL) => Promise<Answer>
  /** All three: asks for a link, consents, comes back. */
  readonly connect: (subdomain?: string) => Promise<Answer>
}

/** The web process with workspace `w1`, and a simulated Zendesk with the accounts acme and other. */
export async function startConsent(
  t: ExecutionContext,
  options: { settings?: SettingsPatch; overrides?: Environment } = {},
): Promise<Consent> {
  const account = { tickets: 3, settings: { rates: UNLIMITED, ...options.settings } }
  const simulator = await startSimulator({
    accounts: [
      { subdomain: 'acme', ...account },
      { subdomain: 'other', ...account },
      { subdomain: 'stricter', ...account, client: { secret: 'another-secret' } },
    ],
  })
  t.teardown(() => simulator[Symbol.asyncDispose]())
  const web = await startTestWeb(t, {
    ZENDESK_URL_TEMPLATE: simulator.urlTemplate,
    ...options.overrides,
  })
  await web.ask('PUT', '/admin/workspaces/w1')
  return { ...web, simulator, ...steps(web) }
}

const UNLIMITED = { account: null, incremental: null }

function steps({ ask, url }: TestWeb): Pick<Consent, 'begin' | 'consent' | 'open' | 'connect'> {
  const begin: Consent['begin'] = (subdomain = 'acme') =>
    ask('POST', '/admin/workspaces/w1/zendesk', { json: { subdomain } })
  const consent: Consent['consent'] = async (begun) => {
    const authorizeUrl = String(begun.at('authorize_url'))
    const response = await fetch(authorizeUrl, { redirect: 'manual' })
    return new URL(response.headers.get('location') ?? '')
  }
  const open: Consent['open'] = async ({ pathname, search }) =>
    readAnswer(await fetch(`${url}${pathname}${search}`, { redirect: 'manual' }))
  const connect: Consent['connect'] = async (subdomain) =>
    open(await consent(await begin(subdomain)))
  return { begin, consent, open, connect }
}
