/** What a caller may choose; everything left out gets a value that suits a demo. */
export interface SimulatorOptions {
  readonly seed?: string
  /** The instant at which the simulated clock starts; the real one by default. */
  readonly now?: Date
  readonly minuteMs?: number
  readonly port?: number
  readonly accounts?: readonly AccountOptions[]
}

export interface AccountOptions {
  readonly subdomain: string
  readonly tickets?: number
  /** The last changes of the tickets are spread evenly over so many days before the start. */
  readonly days?: number
  readonly shape?: Partial<Shape>
  readonly client?: Partial<OAuthClient>
  readonly settings?: SettingsPatch
}

export interface Shape {
  /** Tickets with private comments among public ones. */
  readonly privateShare: number
  /** Half of them stay private throughout, half get public comments later. */
  readonly privateFromFirstShare: number
  /** Deleted tickets; those deleted more than 30 days ago are scrubbed. */
  readonly deletedShare: number
  /** A quarter of them are live: one private comment only. The others end with a public transcript. */
  readonly messagingShare: number
  /** Tickets that `support_type_scope=agent`, the default, leaves out. */
  readonly aiAgentShare: number
  /** How many tickets have 250 comments. */
  readonly bigTickets: number
  /** How many tickets have 5,000 comments, the most Zendesk allows. */
  readonly hugeTickets: number
  /** So many neighbours in the export share a `generated_timestamp`. */
  readonly sameSecond: number
  /** No ticket has more than one page of comments, whatever the two counts above say. */
  readonly onePageEach: boolean
  /** How many comments each of the others has; null: one to seven, as it comes. */
  readonly commentsEach: number | null
}

export interface OAuthClient {
  readonly id: string
  readonly secret: string
  /** Exact addresses, or any address on loopback, or any at all. */
  readonly redirectUris: readonly string[] | 'loopback' | 'any'
  readonly scopes: readonly string[]
}

/** Requests per minute; a limit of `null` is none. */
export interface Rates {
  readonly account: number | null
  readonly incremental: number | null
  /** Of the comments of tickets; few accounts have a limit of their own for them. */
  readonly comments: number | null
  /** What other clients spend of the account's limit, evenly over the minute. */
  readonly others: number
}

/** What may change while the simulator runs. */
export interface AccountSettings {
  readonly rates: Rates
  readonly rateHeaders: 'all' | 'current' | 'old' | 'none'
  readonly latencyMs: number
  /** `auto`: the consent page redirects at once; `page`: a form; `deny`: the user says no. */
  readonly consent: 'auto' | 'page' | 'deny'
  /** Role of the user behind all tokens; only an admin reads incremental exports. */
  readonly role: 'admin' | 'agent'
  /** `users/me` answers 200 with a user without id, whatever the token. */
  readonly anonymous: boolean
  /**
   * Another account of this simulator that answers in the place of this one, whose subdomain it has
   * taken: with its own users, tickets and comments, and yet it takes the tokens of this one.
   */
  readonly takenBy: string | null
  /** Comes with every answer as `X-Zendesk-API-Warn`. */
  readonly warning: string | null
  /** The account was renamed and nobody has taken its subdomain: no help desk answers here. */
  readonly renamedAway: boolean
  readonly tokenStatus: 200 | 201
  readonly omitExpiresIn: boolean
  readonly omitRefreshToken: boolean
  /** Access tokens live so long, whatever was asked for; null: as long as was asked for. */
  readonly accessTokenSeconds: number | null
  /** Access tokens look like a JWT of two kilobytes. */
  readonly longTokens: boolean
  /** `DELETE …/tokens/current` answers 204 and leaves the token alive. */
  readonly revokeCurrentDoesNothing: boolean
  /** A token with only `read` may not revoke itself (403). */
  readonly revokeNeedsWrite: boolean
  readonly tooRecentStatus: 422 | 400
  /** An empty export answers null cursors. */
  readonly nullCursorWhenEmpty: boolean
  readonly webhooks: WebhookSettings
}

export interface WebhookSettings {
  /** Times each event is delivered, with the same event id. */
  readonly copies: number
  /** Deliveries are held back until so many are there, then sent latest first. */
  readonly reverseBatch: number
  /** Share of the events that is never sent. */
  readonly lossShare: number
  /** The webhook is answered before REST shows the change. */
  readonly early: boolean
  /** Deliveries start eight minutes late, as after Zendesk's throttling. */
  readonly throttled: boolean
  /** So many webhooks the plan allows; null: any number. */
  readonly most: number | null
}

export const DEFAULT_WEBHOOK_SETTINGS: WebhookSettings = {
  copies: 1,
  reverseBatch: 1,
  lossShare: 0,
  early: false,
  throttled: false,
  most: null,
}

export const DEFAULT_SETTINGS: AccountSettings = {
  rates: { account: 700, incremental: 10, comments: null, others: 0 },
  rateHeaders: 'all',
  latencyMs: 0,
  consent: 'auto',
  role: 'admin',
  anonymous: false,
  takenBy: null,
  renamedAway: false,
  warning: null,
  tokenStatus: 201,
  omitExpiresIn: false,
  omitRefreshToken: false,
  accessTokenSeconds: null,
  longTokens: false,
  revokeCurrentDoesNothing: false,
  revokeNeedsWrite: false,
  tooRecentStatus: 422,
  nullCursorWhenEmpty: false,
  webhooks: DEFAULT_WEBHOOK_SETTINGS,
}

export const DEFAULT_CLIENT: OAuthClient = {
  id: 'hearflow',
  secret: 'simulator-client-secret',
  redirectUris: 'loopback',
  scopes: ['read', 'write', 'tickets:read', 'users:read', 'webhooks:read', 'webhooks:write'],
}

export const DEFAULT_ACCOUNTS: readonly AccountOptions[] = [{ subdomain: 'acme', tickets: 2000 }]

export function shapeOf(options: AccountOptions): Shape {
  const tickets = options.tickets ?? 2000
  return {
    privateShare: 0.4,
    privateFromFirstShare: 0.02,
    deletedShare: 0.03,
    messagingShare: 0.03,
    aiAgentShare: 0.02,
    bigTickets: Math.ceil(tickets / 500),
    hugeTickets: 0,
    sameSecond: 3,
    onePageEach: false,
    commentsEach: null,
    ...options.shape,
  }
}

/** Settings change by what a patch names; `rates` and `webhooks` field by field as well. */
export function patchSettings(
  settings: AccountSettings,
  patch: SettingsPatch | undefined,
): AccountSettings {
  return {
    ...settings,
    ...patch,
    rates: { ...settings.rates, ...patch?.rates },
    webhooks: { ...settings.webhooks, ...patch?.webhooks },
  }
}

export type SettingsPatch = Partial<Omit<AccountSettings, 'rates' | 'webhooks'>> & {
  readonly rates?: Partial<Rates>
  readonly webhooks?: Partial<WebhookSettings>
}
