import { ZendeskShapeError } from '../../platform/errors.ts'
import type { Asked } from '../account/account-client.ts'
import type { Outcome } from '../call-once.ts'
import type { ZendeskAccount } from '../types.ts'
import {
  type Invocation,
  type WebhookSettings,
  type ZendeskWebhook,
  listPath,
  readInvocations,
  readMadeWebhook,
  readSigningSecret,
  readTest,
  readWebhook,
  readWebhookAnswer,
  readWebhookPage,
  settingsBody,
  testPath,
  webhookPath,
} from './webhook.ts'

/** Zendesk waits twelve seconds for the endpoint, and may try it again, before it answers a test. */
const TEST_TIMEOUT_MS = 60_000

/** An account has some tens of webhooks; a list that does not end is none. */
const MOST_PAGES = 20

type Ask = (account: ZendeskAccount, family: 'account', call: Asked) => Promise<Outcome>

interface Options {
  readonly signal: AbortSignal
}

/**
 * The webhooks of an account. What Zendesk refuses about them is a `WebhookRefusedError`, which stops
 * nothing else.
 */
export class WebhookClient {
  readonly #ask: Ask

  constructor(ask: Ask) {
    this.#ask = ask
  }

  async list(account: ZendeskAccount, namePart: string, options: Options) {
    const webhooks: ZendeskWebhook[] = []
    let after: string | undefined
    for (let pages = 0; pages < MOST_PAGES; pages++) {
      const path = listPath(namePart, after)
      const page = readWebhookPage(await this.#call(account, { path: () => path, ...options }))
      webhooks.push(...page.webhooks)
      if (page.next === undefined || page.next === after) return webhooks
      after = page.next
    }
    throw new ZendeskShapeError('list of webhooks: it does not end')
  }

  /** Null if Zendesk has no such webhook (any more). */
  async show(account: ZendeskAccount, id: string, options: Options) {
    return readWebhook(await this.#call(account, { path: () => webhookPath(id), ...options }))
  }

  /** Tried once: one whose answer is lost may stand all the same, and is found by its name. */
  async make(account: ZendeskAccount, settings: WebhookSettings, options: Options) {
    const path = (): string => '/api/v2/webhooks'
    const json = settingsBody(settings, true)
    const call = { method: 'POST', path, json, isTriedOnce: true, ...options } as const
    return readMadeWebhook(await this.#call(account, call))
  }

  /** Makes it what it should be, and active. Nothing happens where there is none. */
  async change(
    account: ZendeskAccount,
    id: string,
    { settings, signal }: Options & { readonly settings: WebhookSettings },
  ): Promise<void> {
    const json = settingsBody(settings, false)
    await this.#call(account, { method: 'PATCH', path: () => webhookPath(id), json, signal })
  }

  async remove(account: ZendeskAccount, id: string, options: Options): Promise<void> {
    await this.#call(account, { method: 'DELETE', path: () => webhookPath(id), ...options })
  }

  async readSecret(account: ZendeskAccount, id: string, options: Options): Promise<string> {
    const path = (): string => webhookPath(id, '/signing_secret')
    return readSigningSecret(await this.#call(account, { path, ...options }))
  }

  /** Lets Zendesk deliver this body; answers whether the endpoint took it. */
  async test(
    account: ZendeskAccount,
    id: string,
    { payload, signal }: Options & { readonly payload: string },
  ): Promise<boolean> {
    const call = { path: () => testPath(id), json: { request: { payload } }, signal }
    const once = { method: 'POST', isTriedOnce: true, timeoutMs: TEST_TIMEOUT_MS } as const
    return readTest(await this.#call(account, { ...call, ...once }))
  }

  /** The last deliveries that have ended. */
  async listInvocations(
    account: ZendeskAccount,
    id: string,
    options: Options,
  ): Promise<Invocation[]> {
    const path = (): string => webhookPath(id, '/invocations?page%5Bsize%5D=100')
    return readInvocations(await this.#call(account, { path, ...options }))
  }

  #call(account: ZendeskAccount, call: Asked): Promise<Outcome> {
    return this.#ask(account, 'account', { ...call, read: readWebhookAnswer })
  }
}
