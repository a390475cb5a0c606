import { type Kysely, sql } from 'kysely'
import type { Database } from '../../db/schema.ts'

export const INTEGRATIONS = 10_000
export const WORKSPACES = 2_000

/**
 * A service that has been at work for months: each statement of this fills a table with rows that
 * nothing is to be done about right now. Tickets, and what follows from them, are spread evenly.
 */
export async function fillRows(db: Kysely<Database>, tickets: number): Promise<void> {
  const each = Math.ceil(tickets / INTEGRATIONS)
  await db.transaction().execute(async (trx) => {
    // Foreign keys hold by what is inserted; looking at each row would take most of the time.
    await sql`set local session_replication_role = replica`.execute(trx)
    for (const statement of [...ofIntegrations(), ...ofTickets(each)]) await statement.execute(trx)
  })
  await sql`analyze`.execute(db)
}

/** Nothing is left to do, and the planner believes that it stays so. */
export async function endAll(db: Kysely<Database>): Promise<void> {
  const statements = [
    sql`update delivery set state = 'delivered', settled_at = now() where state = 'pending'`,
    sql`update hint set settled_at = now(), outcome = 'moot' where settled_at is null`,
    sql`update run set state = 'done', finished_at = now() where finished_at is null`,
    sql`
      update ticket set outcome = 'filtered', reason = null, retry_at = null
      where retry_at is not null`,
    ...['delivery', 'hint', 'run', 'ticket'].map(
      (table) => sql`alter table ${sql.table(table)} set (autovacuum_enabled = off)`,
    ),
    sql`vacuum analyze`,
  ]
  for (const statement of statements) await statement.execute(db)
}

function ofIntegrations() {
  return [
    sql`
      insert into workspace (id, plan, freshness, scheduled_since)
      select 'f' || n, case when n % 2 = 0 then 'pro' else 'starter' end,
        case when n % 10 = 0 then 'prompt' else 'scheduled' end, now()
      from generate_series(1, ${WORKSPACES}::int) n`,
    sql`
      insert into integration (workspace_id, subdomain, status, error_code, error_message,
        connected_at, scheduled_from)
      select 'f' || 1 + n % ${WORKSPACES}::int, 'a' || n,
        case when n % 50 = 0 then 'errored' else 'active' end,
        case when n % 50 = 0 then 'role_insufficient' end, case when n % 50 = 0 then 'm' end,
        now() - interval '90 days', now() - interval '90 days'
      from generate_series(1, ${INTEGRATIONS}::int) n`,
    sql`insert into lease (integration_id) select id from integration`,
    sql`
      insert into credential (integration_id, key_id, client_id, access_token, refresh_token, scope,
        expires_at, refresh_expires_at, renew_by)
      select id, 'newer', 'hearflow', '\\x00', '\\x00', 'read', now() + interval '1 day',
        now() + interval '30 days', now() + random() * interval '15 days' + interval '3 hours'
      from integration`,
    sql`
      insert into webhook (integration_id, key_id, signing_secret, account_id)
      select id, 'newer', '\\x00', 1 from integration`,
    sql`
      insert into consent (state_hash, integration_id, key_id, code_verifier, expires_at)
      select decode(md5(id::text), 'hex'), id, 'older', '\\x00', now() + interval '9 minutes'
      from integration order by id limit 2000`,
    sql`
      insert into cursor (integration_id, stream, start_at, generated_at, page_size)
      select id, 'tickets', now() - interval '90 days', now(), 1000 from integration`,
    sql`
      insert into event_stream (integration_id, whole_since, read_until, page_size)
      select id, now() - interval '90 days', now(), 1000 from integration`,
    sql`
      insert into budget (account, family)
      select subdomain, family from integration, unnest('{account,incremental}'::text[]) family`,
    sql`
      insert into request_count (integration_id, family, status, requests)
      select id, family, code, 1 from integration,
        unnest('{account,incremental,comments}'::text[]) family, unnest('{200,429}'::int[]) code`,
    sql`
      insert into webhook_check (integration_id, due_at, checked_at)
      select id, now() + random() * interval '1 day' + interval '1 hour', now() from integration`,
    sql`
      insert into author (integration_id, user_id, is_staff)
      select id, n, n < 3 from integration, generate_series(1, 20) n`,
    sql`
      insert into run (integration_id, kind, slot, window_from, state, resume_at, created_at,
        finished_at)
      select id, case when n = 20 then 'backfill' else 'sync' end,
        case when n < 20 then now() - make_interval(days => n) end, now(),
        case when n = 1 and md5(id::text) < '08' then 'queued' else 'done' end,
        now() + interval '1 hour', now() - make_interval(days => n),
        case when n > 1 or md5(id::text) >= '08'
          then now() - make_interval(days => n) + interval '1 hour' end
      from integration, generate_series(1, 20) n`,
    sql`insert into feed (workspace_id) select id from workspace`,
    sql`
      insert into sink (workspace_id, sink_id, url, key_id, secret)
      select id, 'one', 'https://receiver.example/', 'newer', '\\x00' from workspace`,
  ]
}

/** Seven tickets of ten are published, some of them twice; one push in fifty waits. */
function ofTickets(each: number) {
  const published = sql`n % 10 < 7`
  return [
    sql`
      insert into ticket (integration_id, ticket_id, generated_at, updated_at, status, tags,
        fingerprint, comment_count, outcome, reason, retry_at)
      select id, n, now() - make_interval(hours => n), now() - make_interval(hours => n), 'open',
        '{billing}', 'iMFCWxn_r4i-Amq5zr0dUx', 3,
        case when ${published} then 'published' when n % 1000 = 9 then 'quarantined' else 'filtered' end,
        case when n % 1000 = 9 then 'unreadable' end,
        case when n % 1000 = 9 then now() + interval '1 hour' end
      from integration, generate_series(1, ${each}::int) n`,
    sql`
      insert into transcript (integration_id, ticket_id, workspace_id, revision, state, content_hash)
      select id, n, workspace_id, 1 + (n % 10) / 6, 'live', md5(n::text)
      from integration, generate_series(1, ${each}::int) n where ${published}`,
    sql`
      insert into transcript_revision (integration_id, ticket_id, revision, ticket, turns)
      select integration_id, ticket_id, revision, '{}', '[]' from transcript`,
    sql`
      insert into outbox_entry (workspace_id, sequence, id, type, integration_id, ticket_id, revision,
        content_hash)
      select workspace_id, row_number() over (partition by workspace_id order by ticket_id),
        'pub_' || integration_id || ticket_id, 'transcript.published', integration_id, ticket_id,
        revision, content_hash
      from transcript`,
    sql`
      update feed set last_sequence = entry.last from (
        select workspace_id, max(sequence) as last from outbox_entry group by workspace_id
      ) entry where entry.workspace_id = feed.workspace_id`,
    sql`
      insert into sink_position (sink, workspace_id, sequence)
      select sink, workspace_id, last_sequence from feed, unnest('{http,file:feed}'::text[]) sink
      union all select sink.name, workspace_id, last_sequence from feed join sink using (workspace_id)`,
    sql`
      insert into delivery (sink, workspace_id, sequence, integration_id, ticket_id, state,
        next_attempt_at, settled_at)
      select 'http', workspace_id, sequence, integration_id, ticket_id,
        case when ticket_id % 500 = 0 then 'pending' when ticket_id % 500 = 1 then 'dead'
          else 'delivered' end, now() + interval '1 hour',
        case when ticket_id % 500 <> 0 then now() end
      from outbox_entry`,
    sql`
      insert into erasure (integration_id, ticket_id, from_revision, due_at)
      select integration_id, ticket_id, 1, now() + interval '5 minutes' from transcript
      where ticket_id % 100 = 1`,
    sql`
      insert into hint (integration_id, event_id, ticket_id, type, class, occurred_at, due_at,
        settled_at, outcome)
      select id, 'e' || n, n, 'comment_added', case when n % 4 = 0 then 'privacy' else 'content' end,
        now(), now() + interval '10 minutes',
        case when n % 50 <> 0 then now() - (n % 1000) * interval '9 minutes' end,
        case when n % 50 <> 0 then 'confirmed' end
      from integration, generate_series(1, ${Math.ceil(each / 2)}::int) n`,
    sql`
      insert into staged_event (integration_id, event_id, ticket_id, at, comment_count, must_confirm,
        comments)
      select id, n, n, now(), 1, true, '[]' from integration, generate_series(1, 2) n`,
  ]
}
