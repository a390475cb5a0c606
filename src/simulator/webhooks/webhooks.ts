import { setTimeout as delay } from 'node:timers/promises'
import type { AccountSettings } from '../options.ts'
import type { Clock } from '../world/clock.ts'
import { hashText, mix, unit } from '../world/hash.ts'
import { CircuitBreaker } from '../delivery/circuit-breaker.ts'
import { attempt } from '../delivery/attempt.ts'
import type { AttemptOutcome, Delivery } from '../delivery/attempt.ts'
import { waitBeforeRetry } from '../delivery/retry.ts'
import type { Invocation, Webhook, WebhookFields } from './webhook.ts'
import { isSubscribed, secretOf, ulid } from './webhook.ts'

/** Zendesk gives a receiver twelve seconds; real ones, because the receiver works in real time. */
const TIMEOUT_MS = 12_000
const THROTTLE_MS = 8 * 60_000
/** Invocations are kept for the audit endpoint; the oldest go. */
const KEPT_INVOCATIONS = 1000

/** One event for all webhooks that subscribed to its type. */
export interface Message {
  readonly type: string
  readonly body: string
}

/**
 * The webhooks of an account and their deliveries. Nothing is promised: only conflicts, short
 * waits and timeouts are tried again, every other failure loses the event. The waits
 * between attempts shrink with the simulated minute.
 */
export class Webhooks {
  readonly #clock: Clock
  readonly #seed: string
  readonly #stop: AbortSignal
  readonly #accountId: number
  readonly #hooks = new Map<string, Webhook>()
  readonly #invocations: Invocation[] = []
  readonly #breakers = new Map<string, CircuitBreaker>()
  readonly #running = new Set<Promise<unknown>>()
  #held: Message[] = []
  #made = 0

  constructor(clock: Clock, seed: string, accountId: number, stop: AbortSignal) {
    this.#clock = clock
    this.#seed = seed
    this.#accountId = accountId
    this.#stop = stop
  }

  create(fields: WebhookFields, createdBy: string): Webhook {
    const now = this.#clock.now()
    const id = ulid(now, this.#next())
    const webhook = { id, createdAt: now, createdBy, secret: secretOf(this.#next()), fields }
    this.#hooks.set(id, webhook)
    return webhook
  }

  get(id: string): Webhook | null {
    return this.#hooks.get(id) ?? null
  }

  list(): readonly Webhook[] {
    return [...this.#hooks.values()]
  }

  remove(id: string): boolean {
    return this.#hooks.delete(id)
  }

  renewSecret(webhook: Webhook): void {
    webhook.secret = secretOf(this.#next())
  }

  /** Latest first. */
  invocations(webhookId: string): readonly Invocation[] {
    return this.#invocations.filter((invocation) => invocation.webhookId === webhookId).toReversed()
  }

  /** A number that no other event, webhook or delivery of this account has. */
  nextSequence(): number {
    return ++this.#made
  }

  /** Sends events as the settings say: lost, repeated, held back and reversed, late. */
  publish(settings: AccountSettings, messages: readonly Message[]): Promise<unknown> {
    const { lossShare, copies, reverseBatch } = settings.webhooks
    for (const message of messages) {
      if (unit(mix(hashText(this.#seed), this.nextSequence())) < lossShare) continue
      for (let copy = 0; copy < copies; copy++) this.#held.push(message)
    }
    return this.#held.length >= reverseBatch ? this.#flush(settings) : Promise.resolve()
  }

  /** Waits until every delivery has ended, and first sends what is held back. */
  async settled(settings: AccountSettings): Promise<void> {
    void this.#flush(settings)
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  deliver(webhook: Webhook, delivery: Delivery, isThrottled = false): Promise<Invocation> {
    const invocation: Invocation = {
      id: ulid(this.#clock.now(), this.#next()),
      webhookId: webhook.id,
      status: isThrottled ? 'throttled' : 'pending',
      statusCode: null,
      completedAt: this.#clock.now(),
      attempts: [],
    }
    this.#invocations.push(invocation)
    if (this.#invocations.length > KEPT_INVOCATIONS) this.#invocations.shift()
    const running = this.#run(webhook, delivery, invocation).finally(() => {
      this.#running.delete(running)
    })
    this.#running.add(running)
    return running
  }

  #flush(settings: AccountSettings): Promise<unknown> {
    const batch = settings.webhooks.reverseBatch > 1 ? this.#held.toReversed() : this.#held
    this.#held = []
    const deliveries = batch.flatMap((message) =>
      this.list()
        .filter((webhook) => isSubscribed(webhook, message.type))
        .map((webhook) =>
          this.deliver(webhook, { body: message.body }, settings.webhooks.throttled),
        ),
    )
    return Promise.all(deliveries)
  }

  async #run(webhook: Webhook, delivery: Delivery, invocation: Invocation): Promise<Invocation> {
    const breaker = this.#breakers.get(webhook.id) ?? new CircuitBreaker()
    this.#breakers.set(webhook.id, breaker)
    if (invocation.status === 'throttled') await this.#wait(THROTTLE_MS)
    if (breaker.isOpen(this.#clock.now())) {
      return Object.assign(invocation, { status: 'circuit broken' })
    }
    const earlier: AttemptOutcome[] = []
    for (;;) {
      if (this.#stop.aborted) return Object.assign(invocation, { status: 'failed' })
      const outcome = await attempt(webhook, delivery, {
        accountId: this.#accountId,
        invocationId: invocation.id,
        timeoutMs: TIMEOUT_MS,
        stop: this.#stop,
      })
      const at = this.#clock.now()
      const { headers, statusCode } = outcome
      invocation.attempts.push({ at, headers, body: delivery.body, statusCode })
      Object.assign(invocation, { statusCode, completedAt: at })
      const isSuccess = statusCode !== null && statusCode >= 200 && statusCode < 300
      breaker.record(at, isSuccess)
      if (isSuccess) return Object.assign(invocation, { status: 'success' })
      const waitMs = waitBeforeRetry(outcome, earlier)
      if (waitMs === null) {
        return Object.assign(invocation, { status: statusCode === 403 ? 'terminated' : 'failed' })
      }
      earlier.push(outcome)
      await this.#wait(waitMs)
    }
  }

  async #wait(ms: number): Promise<void> {
    await delay(this.#scaled(ms), undefined, { signal: this.#stop }).catch(() => undefined)
  }

  #scaled(ms: number): number {
    return Math.ceil((ms * this.#clock.minuteMs) / 60_000)
  }

  #next(): string {
    return `${this.#seed}|${this.nextSequence()}`
  }
}
