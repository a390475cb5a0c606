import type { BaseEvents } from './export/base-events.ts'
import { createBaseEvents } from './export/base-events.ts'
import { LaterEvents } from './export/later-events.ts'
import { Grants } from './oauth/grants.ts'
import type { AccountOptions, AccountSettings, OAuthClient } from './options.ts'
import { DEFAULT_CLIENT, DEFAULT_SETTINGS, patchSettings } from './options.ts'
import { RateLimits } from './serve/rate-limit.ts'
import { Webhooks } from './webhooks/webhooks.ts'
import type { Clock } from './world/clock.ts'
import type { Tickets } from './world/tickets.ts'
import { createTickets } from './world/tickets.ts'
import { createWorld } from './world/world.ts'

/** One help desk: its tickets, its tokens, its limits and how it behaves at present. */
export interface Account {
  readonly subdomain: string
  readonly clock: Clock
  readonly tickets: Tickets
  readonly client: OAuthClient
  readonly grants: Grants
  readonly limits: RateLimits
  readonly webhooks: Webhooks
  /** Built at the first request that needs it. */
  readonly baseEvents: () => BaseEvents
  readonly laterEvents: LaterEvents
  settings: AccountSettings
}

/** What all accounts of a simulator have in common. */
export interface AccountSetup {
  readonly seed: string
  readonly clock: Clock
  readonly stop: AbortSignal
}

export function createAccount(options: AccountOptions, setup: AccountSetup): Account {
  const { seed, clock, stop } = setup
  const world = createWorld(options, seed, clock.startedAt)
  let baseEvents: BaseEvents | undefined
  return {
    subdomain: options.subdomain,
    clock,
    tickets: createTickets(world, clock),
    client: { ...DEFAULT_CLIENT, ...options.client },
    grants: new Grants(clock, `${seed}|${options.subdomain}`),
    limits: new RateLimits(clock),
    webhooks: new Webhooks(clock, `${seed}|${options.subdomain}`, world.accountId, stop),
    baseEvents: () => (baseEvents ??= createBaseEvents(world)),
    laterEvents: new LaterEvents(),
    settings: patchSettings(DEFAULT_SETTINGS, options.settings),
  }
}
