import { Client } from 'pg'
import { WEBHOOK_CHANNEL } from '../../credential/webhook/secret-store.ts'
import { pause } from '../../platform/lifecycle.ts'
import { webhookLog as log } from '../../platform/log.ts'

/** A connection that does not answer within this time is lost, although nobody has said so. */
const ANSWER_TIMEOUT_MS = 3_000
const ASK_EVERY_MS = 5_000
const RECONNECT_MS = 500

export interface Listener {
  /** The webhook of this integration has changed. */
  readonly onChange: (integrationId: string) => void
  /** Changes may have gone unheard. */
  readonly onGap: () => void
}

/**
 * Hears, over a connection of its own, which webhooks any process has changed. Between two connections
 * nothing is heard: whoever keeps what was announced is told of the gap when it begins and when it ends.
 */
export class Announcements implements AsyncDisposable {
  readonly #url: string
  readonly #listener: Listener
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  #isListening = false

  constructor(url: string, listener: Listener) {
    this.#url = url
    this.#listener = listener
    this.#ended = this.#listen()
  }

  isListening(): boolean {
    return this.#isListening
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #listen(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#hear(signal)
      } catch (error) {
        if (this.#isListening) log.warn({ err: error }, 'changes of webhooks go unheard for now')
      }
      this.#isListening = false
      this.#listener.onGap()
      await pause(RECONNECT_MS, signal)
    }
  }

  /** Until the signal aborts; throws when the connection is lost. */
  async #hear(stop: AbortSignal): Promise<void> {
    const client = this.#connection()
    const lost = new AbortController()
    client.on('error', (error) => lost.abort(error))
    client.on('end', () => lost.abort(new Error('the connection has ended')))
    client.on('notification', ({ payload }) => this.#listener.onChange(payload ?? ''))
    try {
      await client.connect()
      await client.query(`listen ${WEBHOOK_CHANNEL}`)
      // What was read before this instant may have changed since.
      this.#listener.onGap()
      this.#isListening = true
      const either = AbortSignal.any([stop, lost.signal])
      while (!stop.aborted) {
        await pause(ASK_EVERY_MS, either)
        lost.signal.throwIfAborted()
        if (!stop.aborted) await client.query('select 1')
      }
    } finally {
      // One that is lost may not even hear that it is over.
      void client.end().catch(() => {})
    }
  }

  #connection(): Client {
    return new Client({
      connectionString: this.#url,
      application_name: 'hearflow-zendesk-listener',
      keepAlive: true,
      connectionTimeoutMillis: ANSWER_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
    })
  }
}
