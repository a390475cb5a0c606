import type { DateTime } from 'luxon'
import type { ColumnType, Generated, GeneratedAlways } from 'kysely'

/** A `timestamptz`: a UTC `DateTime` when read, a `Date` when written. */
export type Timestamp = ColumnType<DateTime, Date, Date>
type Defaulted = ColumnType<DateTime, Date | undefined, Date>
/** A `jsonb` column: typed when read by its store's schema, written as JSON text. */
export type Json = ColumnType<unknown, string, string>

export type Plan = 'starter' | 'pro' | 'enterprise'
export type SyncDay =
  | 'monday'
  | 'tuesday'
  | 'wednesday'
  | 'thursday'
  | 'friday'
  | 'saturday'
  | 'sunday'
export type Freshness = 'scheduled' | 'prompt'
export type IntegrationStatus = 'pending' | 'active' | 'paused' | 'errored' | 'disconnected'
export type RunKind = 'backfill' | 'sync' | 'hints'
export type CursorStream = 'tickets' | 'window'
export type Release = 'pending' | 'done' | 'given_up'
export type RunState = 'queued' | 'running' | 'waiting' | 'done' | 'failed'
export type TicketOutcome = 'published' | 'filtered' | 'no_public_comments' | 'gone' | 'quarantined'
export type HintClass = 'content' | 'privacy'
export type HintOutcome = 'confirmed' | 'fetched' | 'moot'
export type RetractionReason = 'deleted' | 'filtered' | 'no_public_comments' | 'disconnected'
export type SinkState = 'active' | 'stopped' | 'off' | 'deleted'
export type DeliveryState = 'pending' | 'delivered' | 'superseded' | 'dead'

export interface Database {
  workspace: WorkspaceTable
  feed: FeedTable
  integration: IntegrationTable
  consent: ConsentTable
  credential: CredentialTable
  budget: BudgetTable
  webhook: WebhookTable
  webhookCheck: WebhookCheckTable
  requestCount: RequestCountTable
  lease: LeaseTable
  run: RunTable
  disconnection: DisconnectionTable
  cursor: CursorTable
  eventStream: EventStreamTable
  stagedEvent: StagedEventTable
  author: AuthorTable
  backLane: BackLaneTable
  hint: HintTable
  ticket: TicketTable
  transcript: TranscriptTable
  transcriptRevision: TranscriptRevisionTable
  erasure: ErasureTable
  outboxEntry: OutboxEntryTable
  sinkPosition: SinkPositionTable
  sink: SinkTable
  delivery: DeliveryTable
  replay: ReplayTable
  latency: LatencyTable
  latencyProgress: LatencyProgressTable
  tally: TallyTable
}

export interface WorkspaceTable {
  id: string
  plan: Generated<Plan>
  syncDay: Generated<SyncDay>
  scheduledSince: Defaulted
  earlierSlot: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  zendeskIncludeTags: Generated<string[]>
  zendeskExcludeTags: Generated<string[]>
  zendeskIncludeGroupIds: Generated<number[]>
  filtersVersion: Generated<number>
  quotaShare: number | null
  freshness: Generated<Freshness>
  createdAt: Defaulted
  updatedAt: Defaulted
}

export interface FeedTable {
  workspaceId: string
  lastSequence: Generated<number>
  prunedThrough: Generated<number>
}

export interface IntegrationTable {
  id: Generated<string>
  workspaceId: string
  subdomain: string
  status: Generated<IntegrationStatus>
  statusSince: Defaulted
  errorCode: string | null
  errorMessage: string | null
  pausedBeforeError: Generated<boolean>
  zendeskUserId: number | null
  connectedAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  scheduledFrom: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  filtersVersion: Generated<number>
  carefulUntil: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  manualSyncAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  createdAt: Defaulted
}

export interface DisconnectionTable {
  integrationId: string
  requestedAt: Defaulted
  purge: boolean
  release: Generated<Release>
  releaseAttempts: Generated<number>
  dueAt: Defaulted
  clearedAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  transcripts: Generated<number>
  revisions: Generated<number>
  tickets: Generated<number>
  hints: Generated<number>
  hash: Generated<string>
  retractedAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  finishedAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
}

export interface ConsentTable {
  stateHash: Buffer
  integrationId: string
  keyId: string
  codeVerifier: Buffer
  expiresAt: Timestamp
  usedAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
}

export interface CredentialTable {
  integrationId: string
  keyId: string
  clientId: string
  accessToken: Buffer
  refreshToken: Buffer | null
  scope: string
  expiresAt: ColumnType<DateTime | null, Date | null, Date | null>
  refreshExpiresAt: ColumnType<DateTime | null, Date | null, Date | null>
  refreshedAt: Defaulted
  refreshStartedAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  renewBy: ColumnType<DateTime | null, Date | null | undefined, Date | null>
}

export interface BudgetTable {
  account: string
  family: string
  limitPerMinute: number | null
  slot: Generated<number>
  granted: Generated<number[]>
  blockedUntil: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  others: Generated<(number | null)[]>
}

export interface WebhookTable {
  integrationId: string
  zendeskWebhookId: string | null
  keyId: string
  signingSecret: Buffer
  accountId: number | null
  createdAt: Defaulted
  lastReceivedAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  silentShare: number | null
}

/** Why hints do not come, or may not, from a webhook that is ours to keep. */
export type WebhookProblem =
  | 'scope_missing'
  | 'forbidden'
  | 'limit_reached'
  | 'rejected'
  | 'token_refused'
  | 'unavailable'
  | 'failing'
  | 'circuit_broken'

export interface WebhookCheckTable {
  integrationId: string
  dueAt: Defaulted
  attempts: Generated<number>
  checkedAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  problem: WebhookProblem | null
}

export interface RequestCountTable {
  integrationId: string
  family: string
  status: number
  requests: number
}

export interface LeaseTable {
  integrationId: string
  fence: Generated<number>
  lockNumber: GeneratedAlways<number>
}

export interface RunTable {
  id: Generated<string>
  integrationId: string
  kind: RunKind
  stream: Generated<CursorStream>
  slot: ColumnType<DateTime | null, Date | null | undefined, never>
  state: Generated<RunState>
  windowFrom: Timestamp
  resumeAt: Defaulted
  waitReason: string | null
  createdAt: Defaulted
  startedAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  finishedAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  attempts: Generated<number>
  /** Asked of the run to wait, since it last got further. */
  waitedSeconds: Generated<number>
  pages: Generated<number>
  /** The newest instant of the stream among the tickets that are settled. */
  reachedAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  /** Milliseconds of the stream settled beyond that, read from the end of the window. */
  aheadMs: Generated<number>
  ticketsSeen: Generated<number>
  published: Generated<number>
  unchanged: Generated<number>
  filtered: Generated<number>
  noPublicComments: Generated<number>
  gone: Generated<number>
  quarantined: Generated<number>
  /** The first few tickets that were seen and came to no end. */
  unaccounted: Generated<number[]>
  retracted: Generated<number>
  hintsConfirmed: Generated<number>
  hintsFetched: Generated<number>
  hintsMoot: Generated<number>
  /** News of tickets that a hint had told of, and news of the export that none had. */
  newsHinted: Generated<number>
  newsSilent: Generated<number>
  requests: ColumnType<unknown, string | undefined, string>
  plan: ColumnType<unknown, string | undefined, string>
  driftSampled: Generated<number>
  driftFound: Generated<number>
  /** Worked on, without what it was held back for. */
  runningMs: Generated<number>
  waits: ColumnType<unknown, string | undefined, string>
  /** How far it was at some instants of the last minutes. */
  pace: ColumnType<unknown, string | undefined, string>
  errorCode: string | null
  errorMessage: string | null
}

export interface CursorTable {
  integrationId: string
  stream: CursorStream
  startAt: Timestamp
  afterCursor: string | null
  generatedAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  pageSize: number
  endReachedAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  moves: Generated<number>
  landmark: string | null
}

export interface TicketTable {
  integrationId: string
  ticketId: number
  generatedAt: Timestamp
  updatedAt: Timestamp
  status: string
  tags: string[]
  groupId: number | null
  fingerprint: string
  commentCount: ColumnType<number | null, number | null | undefined, number | null>
  outcome: TicketOutcome
  reason: string | null
  settledAt: Defaulted
  retryAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
}

export interface EventStreamTable {
  integrationId: string
  wholeSince: Timestamp
  readUntil: Timestamp
  pageSize: number
  eventsRead: Generated<number>
  rowsRead: Generated<number>
  rowsBehind: Generated<number>
}

export interface StagedEventTable {
  integrationId: string
  eventId: number
  ticketId: number
  at: Timestamp
  commentCount: number
  mustConfirm: boolean
  comments: Json
}

export interface AuthorTable {
  integrationId: string
  userId: number
  isStaff: boolean
  learntAt: Defaulted
}

export interface BackLaneTable {
  integrationId: string
  endsAt: Timestamp
  doneFrom: Timestamp
}

export interface HintTable {
  integrationId: string
  eventId: string
  ticketId: number
  type: string
  class: HintClass
  occurredAt: Timestamp
  receivedAt: Defaulted
  dueAt: Timestamp
  looks: Generated<number>
  settledAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  outcome: HintOutcome | null
}

export interface TranscriptTable {
  integrationId: string
  ticketId: number
  workspaceId: string
  revision: number
  state: 'live' | 'retracted'
  contentHash: string
  changedAt: Defaulted
}

export interface TranscriptRevisionTable {
  integrationId: string
  ticketId: number
  revision: number
  ticket: Json
  turns: Json
}

export interface ErasureTable {
  integrationId: string
  ticketId: number
  fromRevision: number
  changedAt: Defaulted
  dueAt: Defaulted
}

export interface OutboxEntryTable {
  workspaceId: string
  sequence: number
  id: string
  type: 'transcript.published' | 'transcript.retracted'
  reason: RetractionReason | null
  integrationId: string
  ticketId: number
  revision: number
  contentHash: string | null
  publishedAt: Defaulted
  publishedUnder: string | null
}

export interface SinkPositionTable {
  sink: string
  workspaceId: string
  sequence: Generated<number>
}

export interface SinkTable {
  name: Generated<string>
  workspaceId: string | null
  sinkId: string
  url: string
  keyId: string | null
  secret: Buffer | null
  previousSecret: Buffer | null
  previousSecretUntil: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  types: Generated<OutboxEntryTable['type'][]>
  allRevisions: Generated<boolean>
  /** Counts up with each change of the settings. */
  version: Generated<number>
  state: Generated<SinkState>
  stateReason: string | null
  stateSince: Defaulted
  failingSince: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  failedAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  heldUntil: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  createdAt: Defaulted
  updatedAt: Defaulted
}

export interface DeliveryTable {
  sink: string
  workspaceId: string
  sequence: number
  integrationId: string
  ticketId: number
  state: Generated<DeliveryState>
  replayed: Generated<boolean>
  attempts: Generated<number>
  attemptsBefore: Generated<number>
  history: ColumnType<unknown, string | undefined, string>
  createdAt: Defaulted
  nextAttemptAt: Defaulted
  claimedUntil: ColumnType<DateTime | null, Date | null | undefined, Date | null>
  outcome: string | null
  settledAt: ColumnType<DateTime | null, Date | null | undefined, Date | null>
}

export interface ReplayTable {
  id: GeneratedAlways<number>
  sink: string
  workspaceId: string
  sequence: number
  through: number
  ticketIds: number[] | null
  createdAt: Defaulted
}

export interface LatencyTable {
  name: string
  le: number
  observed: Generated<number>
  seconds: Generated<number>
}

export interface LatencyProgressTable {
  name: string
  measuredThrough: Defaulted
}

export interface TallyTable {
  id: GeneratedAlways<number>
  what: RunKind | 'delivery'
  outcome: 'done' | 'failed' | 'delivered' | 'superseded' | 'dead' | 'postponed'
  counted: number
}
