import { dumpRows } from '../../support/dump.ts'

type Row = Readonly<Record<string, unknown>>

/** What a crash may change, beside instants of our own clock, numbers given by chance, and counts of work. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  // What was learnt to spend requests well, or was counted until the worker died.
  'public.budget': ['*'],
  'public.request_count': ['*'],
  // Housekeeping folds it; `tally.test.ts` holds the sums against what was counted.
  'public.tally': ['*'],
  'public.lease': ['*'],
  'public.author': ['*'],
  // How far was read ahead; what it led to stands in the transcripts.
  'public.event_stream': ['*'],
  'public.staged_event': ['event_id', 'at'],
  'public.workspace': ['updated_at'],
  'public.integration': ['status_since', 'connected_at'],
  // The end of the export is where it was when it was read.
  'public.cursor': ['end_reached_at', 'page_size', 'start_at', 'after_cursor', 'generated_at'],
  'public.credential': [
    'access_token',
    'refresh_token',
    'refreshed_at',
    'expires_at',
    'refresh_expires_at',
    'renew_by',
  ],
  // A row that was shown right after its change has no fingerprint, for it may not be the last one.
  // The number of comments is told by the export and not by a look.
  'public.ticket': ['settled_at', 'retry_at', 'fingerprint', 'comment_count'],
  'public.webhook': ['signing_secret', 'created_at', 'last_received_at'],
  'public.webhook_check': ['due_at', 'checked_at', 'attempts'],
  'public.hint': ['received_at', 'due_at', 'settled_at', 'looks'],
  'public.transcript': ['changed_at'],
  // Which ticket of a portion comes first is left to chance; the order of each is looked at below.
  'public.outbox_entry': ['id', 'sequence', 'published_at'],
  'public.erasure': ['changed_at', 'due_at', 'from_revision'],
  'public.sink': ['state_since', 'created_at', 'updated_at'],
  'public.delivery': [
    'sequence',
    'attempts',
    'history',
    'created_at',
    'next_attempt_at',
    'claimed_until',
    'outcome',
    'settled_at',
  ],
  'public.run': [
    'id',
    'created_at',
    'started_at',
    'finished_at',
    'resume_at',
    'window_from',
    'wait_reason',
    // Of the two readers of a window, only one tells how far it is.
    'reached_at',
    // A page that is repeated is seen once more, and costs requests once more.
    'pages',
    'tickets_seen',
    'unchanged',
    'filtered',
    'no_public_comments',
    'gone',
    'requests',
    'plan',
    'attempts',
    'waited_seconds',
    'running_ms',
    'waits',
    'pace',
  ],
}

export interface EndState {
  /** One line a row that matters, the same for the same state. */
  readonly rows: readonly string[]
  /** What must not be, whatever happened. */
  readonly faults: readonly string[]
  readonly text: string
}

export async function endStateOf(url: string): Promise<EndState> {
  const text = await dumpRows(url)
  const tables = tablesOf(text)
  const rows = [...tables].flatMap(([table, all]) => rowsOf(table, all)).toSorted()
  return { rows, text, faults: faultsOf(tables) }
}

function tablesOf(text: string): Map<string, Row[]> {
  const tables = new Map<string, Row[]>()
  let rows: Row[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('-- ')) tables.set(line.slice(3), (rows = []))
    else rows.push(JSON.parse(line) as Row)
  }
  return tables
}

function rowsOf(table: string, rows: readonly Row[]): string[] {
  if (table === 'pgboss.job_common') {
    return rows.map(({ name, state, data }) => `${table} ${JSON.stringify({ name, state, data })}`)
  }
  const leftOut = new Set(LEFT_OUT[table] ?? [])
  if (!table.startsWith('public.') || leftOut.has('*')) return []
  return rows.map((row) => {
    const kept = Object.entries(row).filter(([column]) => !leftOut.has(column))
    return `${table} ${JSON.stringify(Object.fromEntries(kept))}`
  })
}

const OUTCOMES = ['published', 'unchanged', 'filtered', 'no_public_comments', 'gone', 'quarantined']

function faultsOf(tables: ReadonlyMap<string, readonly Row[]>): string[] {
  const of = (table: string): readonly Row[] => tables.get(`public.${table}`) ?? []
  const faults: string[] = []
  for (const run of of('run')) {
    const accounted = OUTCOMES.reduce((sum, outcome) => sum + Number(run[outcome]), 0)
    if (accounted !== Number(run['tickets_seen'])) {
      faults.push(`the ledger of a run of kind ${String(run['kind'])} does not close`)
    }
  }
  const entries = of('outbox_entry').toSorted(
    (a, b) => Number(a['sequence']) - Number(b['sequence']),
  )
  const pruned = Number(of('feed')[0]?.['pruned_through'] ?? 0)
  for (const [index, entry] of entries.entries()) {
    const expected = pruned + index + 1
    if (entry['sequence'] !== expected) faults.push(`entry ${expected} is missing in the feed`)
  }
  for (const [ticket, own] of Map.groupBy(entries, (entry) => String(entry['ticket_id']))) {
    const told = own.map(
      (entry) => `${String(entry['type']).slice(11)} ${String(entry['revision'])}`,
    )
    const first = pruned > 0 ? Number(own[0]?.['revision']) : 1
    if (own.some((entry, index) => entry['revision'] !== first + index)) {
      faults.push(`ticket ${ticket}: ${told.join(', ')}`)
    }
  }
  for (const { comments } of of('staged_event')) {
    if (Array.isArray(comments) && comments.length > 0) faults.push('text waits in a staged event')
  }
  return faults
}
