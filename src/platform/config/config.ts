import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { Secrets, WebhookSecret, parseEncryptionKeys } from './secrets.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/

const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, `expected a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, {
      error: `expected a whole number from ${least} to ${most}`,
    })

const postgresUrl = z
  .string()
  .refine((text) => /^postgres(ql)?:$/.test(urlOf(text)?.protocol ?? ''), {
    error: 'expected postgres://user:password@host:port/database',
  })

const httpUrl = z
  .string()
  .refine((text) => /^https?:$/.test(urlOf(text)?.protocol ?? ''), {
    error: 'expected an http:// or https:// address',
  })
  .transform((text) => text.replace(/\/+$/, ''))

const flag = z
  .enum(['true', 'false', '1', '0'], { error: 'expected true or false' })
  .transform((text) => text === 'true' || text === '1')

/** What an `Authorization` header can carry. How long it has to be is for the one who chooses it. */
const bearerToken = z.string().regex(/^[\x21-\x7e]+$/, 'expected ASCII characters without spaces')

const urlTemplate = z.string().superRefine((template, context) => {
  const problem = templateProblem(template)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

const environmentSchema = z.object({
  NODE_ENV: z.string().optional(),
  DATABASE_URL: postgresUrl.optional(),
  PORT: wholeNumber(0, 65_535).default(3000),
  HOST: z.string().default('0.0.0.0'),
  PUBLIC_URL: httpUrl.optional(),
  ADMIN_TOKEN: bearerToken.optional(),
  READ_TOKEN: bearerToken.optional(),
  ENCRYPTION_KEYS: z.string().transform(parseEncryptionKeys).optional(),
  ZENDESK_CLIENT_ID: z.string().optional(),
  ZENDESK_CLIENT_SECRET: z.string().optional(),
  ZENDESK_URL_TEMPLATE: urlTemplate.default('https://{subdomain}.zendesk.com'),
  ZENDESK_SCOPE: z.string().default('read'),
  ZENDESK_QUOTA_SHARE: z
    .string()
    .transform(Number)
    .refine((share) => share >= 0.05 && share <= 1, { error: 'expected a number from 0.05 to 1' })
    .default(0.5),
  DRIFT_SAMPLE_SHARE: z
    .string()
    .transform(Number)
    .refine((share) => share >= 0 && share <= 1, { error: 'expected a number from 0 to 1' })
    .default(0.01),
  SYNC_TIME_UTC: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected HH:MM, 00:00 to 23:59')
    .default('04:00'),
  BACKFILL_DAYS: wholeNumber(1, 3650).default(90),
  PUBLICATION_RETENTION_DAYS: wholeNumber(1, 3650).default(90),
  SINK_URL: httpUrl.optional(),
  SINK_SECRET: WebhookSecret.optional(),
  SINK_ALLOW_PRIVATE_ADDRESSES: flag.default(false),
  SINK_FILE: z.string().optional(),
  WORKER_CONCURRENCY: wholeNumber(1, 100).default(4),
  ZENDESK_MINUTE_MS: wholeNumber(10, 60_000).default(60_000),
  MANUAL_SYNC_COOLDOWN_SECONDS: wholeNumber(0, 86_400).default(300),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'expected trace, debug, info, warn, error, fatal or silent',
    })
    .default('info'),
})
type ParsedEnvironment = z.infer<typeof environmentSchema>

export interface Config {
  readonly production: boolean
  readonly databaseUrl: string
  readonly port: number
  readonly host: string
  readonly publicUrl: string
  readonly zendesk: {
    readonly clientId: string | undefined
    readonly urlTemplate: string
    readonly scope: string
    readonly quotaShare: number
    readonly driftShare: number
    readonly minuteMs: number
  }
  readonly syncTimeUtc: string
  readonly backfillDays: number
  readonly publicationRetentionDays: number
  readonly sink: {
    readonly url: string | undefined
    readonly file: string | undefined
    readonly allowPrivateAddresses: boolean
  }
  readonly workerConcurrency: number
  readonly manualSyncCooldownSeconds: number
  readonly logLevel: string
  readonly secrets: Secrets
}

/**
 * Reads the environment once. Every mistake is in the one `ConfigError` that it throws, by variable
 * name and without the value. An empty variable counts as absent.
 */
export function loadConfig(environment: Environment): Config {
  const present = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  )
  const parsed = environmentSchema.safeParse(present)
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  problems.push(...missing(present))
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(toConfig(parsed.data))
}

function missing(present: Environment): string[] {
  const problems: string[] = []
  const need = (name: string, why: string) => {
    if (present[name] === undefined) problems.push(`${name}: missing: ${why}`)
  }
  need('DATABASE_URL', 'the Postgres to use; "npm run dev" and "npm run demo" bring their own')
  if (present['NODE_ENV'] === 'production') {
    need('ADMIN_TOKEN', 'the bearer token of /admin, required in production')
  }
  need('ENCRYPTION_KEYS', 'id:base64(32 bytes); make one with: openssl rand -base64 32')
  if (present['SINK_URL'] !== undefined) need('SINK_SECRET', 'whsec_… signs what goes to SINK_URL')
  if (present['ZENDESK_CLIENT_SECRET'] !== undefined) {
    need('ZENDESK_CLIENT_ID', 'the OAuth client that ZENDESK_CLIENT_SECRET belongs to')
  }
  return problems
}

function toConfig(env: ParsedEnvironment): Config {
  return {
    production: env.NODE_ENV === 'production',
    databaseUrl: env.DATABASE_URL ?? '',
    port: env.PORT,
    host: env.HOST,
    publicUrl: env.PUBLIC_URL ?? `http://localhost:${env.PORT}`,
    zendesk: {
      clientId: env.ZENDESK_CLIENT_ID,
      urlTemplate: env.ZENDESK_URL_TEMPLATE.replace(/\/+$/, ''),
      scope: env.ZENDESK_SCOPE,
      quotaShare: env.ZENDESK_QUOTA_SHARE,
      driftShare: env.DRIFT_SAMPLE_SHARE,
      minuteMs: env.ZENDESK_MINUTE_MS,
    },
    syncTimeUtc: env.SYNC_TIME_UTC,
    backfillDays: env.BACKFILL_DAYS,
    publicationRetentionDays: env.PUBLICATION_RETENTION_DAYS,
    sink: {
      url: env.SINK_URL,
      file: env.SINK_FILE,
      allowPrivateAddresses: env.SINK_ALLOW_PRIVATE_ADDRESSES || env.NODE_ENV !== 'production',
    },
    workerConcurrency: env.WORKER_CONCURRENCY,
    manualSyncCooldownSeconds: env.MANUAL_SYNC_COOLDOWN_SECONDS,
    logLevel: env.LOG_LEVEL,
    secrets: new Secrets({
      adminToken: env.ADMIN_TOKEN,
      readToken: env.READ_TOKEN,
      encryptionKeys: env.ENCRYPTION_KEYS ?? [],
      zendeskClientSecret: env.ZENDESK_CLIENT_SECRET,
      sinkSecret: env.SINK_SECRET,
    }),
  }
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

/** The token goes wherever this template points: only https, or plain http on this very machine. */
function templateProblem(template: string): string | undefined {
  const url = urlOf(template.replaceAll('{subdomain}', 'acme'))
  if (url === undefined) return 'expected an address with {subdomain} in it'
  if (url.username !== '' || url.search !== '' || url.hash !== '') {
    return 'expected an address without user, query or fragment'
  }
  if (LOOPBACK.test(url.hostname)) {
    return /^https?:$/.test(url.protocol) ? undefined : 'expected http:// or https://'
  }
  if (url.protocol !== 'https:') return 'http:// is refused unless the host is loopback'
  if (!template.includes('{subdomain}')) return 'expected {subdomain} in the address'
  return undefined
}
