import { type Kysely, sql } from 'kysely'

const tables = [
  // scheduled_since is when the plan or the day last changed, earlier_slot the newest slot that was
  // due by then: slots up to there are those of the old plan and day.
  sql`
    create table workspace (
      id text primary key,
      plan text not null default 'starter' check (plan in ('starter', 'pro', 'enterprise')),
      sync_day text not null default 'monday' check (sync_day in
        ('monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday')),
      scheduled_since timestamptz not null default now(),
      earlier_slot timestamptz,
      zendesk_include_tags text[] not null default '{}',
      zendesk_exclude_tags text[] not null default '{}',
      zendesk_include_group_ids bigint[] not null default '{}',
      filters_version integer not null default 1,
      quota_share double precision check (quota_share between 0.05 and 1),
      freshness text not null default 'scheduled' check (freshness in ('scheduled', 'prompt')),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      check (freshness = 'scheduled' or plan <> 'starter')
    )`,

  // The last sequence number given in a workspace. Its row lock is held until commit, so that
  // numbers become visible in the order in which they were given. Entries up to pruned_through are
  // gone.
  sql`
    create table feed (
      workspace_id text primary key references workspace,
      last_sequence bigint not null default 0,
      pruned_through bigint not null default 0,
      check (pruned_through <= last_sequence)
    )`,

  // scheduled_from is the first consent: no earlier slot concerns it. filters_version says which
  // filters of the workspace its stored tickets were held against. Until careful_until everything that
  // has changed is read at the comments endpoint. manual_sync_at is when a person last asked for a sync.
  sql`
    create table integration (
      id uuid primary key default gen_random_uuid(),
      workspace_id text not null references workspace,
      subdomain text not null check (subdomain ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
      status text not null default 'pending'
        check (status in ('pending', 'active', 'paused', 'errored', 'disconnected')),
      status_since timestamptz not null default now(),
      error_code text,
      error_message text,
      paused_before_error boolean not null default false,
      zendesk_user_id bigint,
      connected_at timestamptz,
      scheduled_from timestamptz,
      filters_version integer not null default 0,
      careful_until timestamptz,
      manual_sync_at timestamptz,
      created_at timestamptz not null default now(),
      check ((status = 'errored') = (error_code is not null)),
      check ((error_code is null) = (error_message is null))
    )`,
  sql`
    create unique index integration_account on integration (workspace_id, subdomain)
      where status <> 'disconnected'`,
  sql`create index integration_status on integration (status, id)`,
  sql`create index integration_workspace on integration (workspace_id, id)`,
  sql`
    create index integration_past on integration (workspace_id, subdomain)
      where status = 'disconnected'`,

  // What is left to do for an integration that was disconnected. The tokens and the webhook stay until
  // Zendesk has taken them back, or release_attempts are used up (release: given_up). cleared_at is when
  // all that is needed to read the account was gone. Of a purge, the row is the receipt as well: hash is
  // chained over what was retracted, in the order of the tickets, from retracted_through on.
  sql`
    create table disconnection (
      integration_id uuid primary key references integration,
      requested_at timestamptz not null default now(),
      purge boolean not null,
      release text not null default 'pending' check (release in ('pending', 'done', 'given_up')),
      release_attempts integer not null default 0,
      due_at timestamptz not null default now(),
      cleared_at timestamptz,
      transcripts integer not null default 0,
      revisions integer not null default 0,
      tickets integer not null default 0,
      hints integer not null default 0,
      hash text not null default '',
      retracted_at timestamptz,
      finished_at timestamptz
    )`,
  sql`create index disconnection_due on disconnection (due_at) where finished_at is null`,

  // The state of one authorization request, stored only as a hash; the PKCE verifier is sealed.
  sql`
    create table consent (
      state_hash bytea primary key,
      integration_id uuid not null references integration,
      key_id text not null,
      code_verifier bytea not null,
      expires_at timestamptz not null,
      used_at timestamptz
    )`,
  sql`create index consent_integration on consent (integration_id)`,

  // Sealed with AES-256-GCM; the integration and the field are bound in as associated data.
  // client_id is the OAuth client that the tokens were given to; renew_by is when a refresh token
  // that nobody used is renewed for its own sake.
  sql`
    create table credential (
      integration_id uuid primary key references integration,
      key_id text not null,
      client_id text not null,
      access_token bytea not null,
      refresh_token bytea,
      scope text not null,
      expires_at timestamptz,
      refresh_expires_at timestamptz,
      refreshed_at timestamptz not null default now(),
      refresh_started_at timestamptz,
      renew_by timestamptz
    )`,
  sql`create index credential_renewal on credential (renew_by)`,
  sql`create index credential_key on credential (key_id)`,
  sql`create index credential_client on credential (client_id)`,

  // One row per Zendesk account and limit family: what was granted in each part of the last minute,
  // what others were seen to spend (null: nobody looked), and until when the account wants silence.
  sql`
    create table budget (
      account text not null,
      family text not null,
      limit_per_minute integer check (limit_per_minute > 0),
      slot bigint not null default 0,
      granted integer[] not null default '{}',
      blocked_until timestamptz,
      others integer[] not null default '{}',
      primary key (account, family)
    )`,

  // Where hints of an integration may come from. zendesk_webhook_id is the webhook that we made (null: a
  // person made one and told its secret); account_id is the account that its first signed delivery
  // named. silent_share is the part of the news of the last syncs that no hint had told of.
  sql`
    create table webhook (
      integration_id uuid primary key references integration,
      zendesk_webhook_id text,
      key_id text not null,
      signing_secret bytea not null,
      account_id bigint,
      created_at timestamptz not null default now(),
      last_received_at timestamptz,
      silent_share double precision check (silent_share between 0 and 1)
    )`,
  sql`create index webhook_key on webhook (key_id)`,

  // A webhook that is ours to make and to keep. due_at is when it is next looked after, and for whoever
  // has claimed it, until when; attempts counts looks in a row that found it unwell, problem is what the
  // last one found, checked_at when one last came to its end.
  sql`
    create table webhook_check (
      integration_id uuid primary key references integration,
      due_at timestamptz not null default now(),
      attempts integer not null default 0,
      checked_at timestamptz,
      problem text check (problem in ('scope_missing', 'forbidden', 'limit_reached', 'rejected',
        'token_refused', 'unavailable', 'failing', 'circuit_broken'))
    )`,
  sql`create index webhook_check_due on webhook_check (due_at)`,
  sql`
    create index webhook_check_unwell on webhook_check (problem, integration_id)
      where problem is not null`,

  // Requests sent to Zendesk for an integration, by limit family and status; 0: no whole answer.
  sql`
    create table request_count (
      integration_id uuid not null references integration,
      family text not null,
      status integer not null,
      requests bigint not null,
      primary key (integration_id, family, status)
    )`,

  // The fence goes up whenever a worker takes the integration over; a commit with an older one fails.
  sql`
    create table lease (
      integration_id uuid primary key references integration,
      fence bigint not null default 0,
      lock_number integer not null generated always as identity unique
    )`,

  // Of two runs that one transaction makes the first is the older one, by the clock.
  sql`
    create table run (
      id uuid primary key default gen_random_uuid(),
      integration_id uuid not null references integration,
      kind text not null check (kind in ('backfill', 'sync', 'hints')),
      stream text not null default 'tickets' check (stream in ('tickets', 'window')),
      slot timestamptz,
      state text not null default 'queued'
        check (state in ('queued', 'running', 'waiting', 'done', 'failed')),
      window_from timestamptz not null,
      resume_at timestamptz not null default now(),
      wait_reason text,
      created_at timestamptz not null default clock_timestamp(),
      started_at timestamptz,
      finished_at timestamptz,
      attempts integer not null default 0,
      waited_seconds integer not null default 0,
      pages integer not null default 0,
      reached_at timestamptz,
      ahead_ms bigint not null default 0,
      tickets_seen integer not null default 0,
      published integer not null default 0,
      unchanged integer not null default 0,
      filtered integer not null default 0,
      no_public_comments integer not null default 0,
      gone integer not null default 0,
      quarantined integer not null default 0,
      unaccounted bigint[] not null default '{}',
      retracted integer not null default 0,
      hints_confirmed integer not null default 0,
      hints_fetched integer not null default 0,
      hints_moot integer not null default 0,
      news_hinted integer not null default 0,
      news_silent integer not null default 0,
      requests jsonb not null default '{}',
      plan jsonb not null default '{}',
      drift_sampled integer not null default 0,
      drift_found integer not null default 0,
      running_ms bigint not null default 0,
      waits jsonb not null default '{}',
      pace jsonb not null default '[]',
      error_code text,
      error_message text,
      unique (integration_id, slot),
      check ((state = 'failed') = (error_code is not null)),
      check ((state in ('done', 'failed')) = (finished_at is not null))
    )`,
  sql`create index run_integration on run (integration_id, created_at desc)`,
  // The only index of what is unfinished: between two of them the planner chooses by statistics that
  // are old at the very moment when a slot has made ten thousand rows.
  sql`
    create unique index run_of_hints on run (integration_id)
      where kind = 'hints' and finished_at is null`,
  sql`create index run_next on run (integration_id, created_at) where finished_at is null`,
  sql`create index run_ended on run (state, finished_at) where finished_at is not null`,

  // Where the export of an account is read next; a window that is imported again has a place of its own,
  // so that the one of the syncs stays where it is until that has come to its end. generated_at is the
  // newest instant seen, from which to start again if Zendesk refuses the cursor. moves counts pages
  // since the last start or end; landmark is the cursor behind the last of them that was a power of two.
  sql`
    create table cursor (
      integration_id uuid not null references integration,
      stream text not null check (stream in ('tickets', 'window')),
      start_at timestamptz not null,
      after_cursor text,
      generated_at timestamptz,
      page_size integer not null,
      end_reached_at timestamptz,
      moves integer not null default 0,
      landmark text,
      primary key (integration_id, stream)
    )`,

  // How far the stream of ticket events was read, without a gap since whole_since, and what a ticket of
  // the export costs of it. rows_behind counts tickets that were read without the stream.
  sql`
    create table event_stream (
      integration_id uuid primary key references integration,
      whole_since timestamptz not null,
      read_until timestamptz not null,
      page_size integer not null,
      events_read bigint not null default 0,
      rows_read bigint not null default 0,
      rows_behind bigint not null default 0
    )`,

  // Events whose tickets the export has not shown since. They go with the ticket that they belong to,
  // and lose their text when a run ends.
  sql`
    create table staged_event (
      integration_id uuid not null references integration,
      event_id bigint not null,
      ticket_id bigint not null,
      at timestamptz not null,
      comment_count integer not null,
      must_confirm boolean not null,
      comments jsonb not null
        check (not jsonb_path_exists(comments, '$[*] ? (!exists(@.public ? (@ == true)))')),
      primary key (integration_id, event_id)
    )`,
  sql`create index staged_event_ticket on staged_event (integration_id, ticket_id, at)`,

  // Who answers for the account. Of people there is a number here and nothing else.
  sql`
    create table author (
      integration_id uuid not null references integration,
      user_id bigint not null,
      is_staff boolean not null,
      learnt_at timestamptz not null default now(),
      primary key (integration_id, user_id)
    )`,

  // The end of an import's window from which its tickets are read backwards, and how far that has come.
  sql`
    create table back_lane (
      integration_id uuid primary key references integration,
      ends_at timestamptz not null,
      done_from timestamptz not null
    )`,

  // A hint says "look at this ticket". It holds no text, name or address; due_at is when the ticket is
  // looked at unless a run shows it before.
  sql`
    create table hint (
      integration_id uuid not null references integration,
      event_id text not null,
      ticket_id bigint not null,
      type text not null,
      class text not null check (class in ('content', 'privacy')),
      occurred_at timestamptz not null,
      received_at timestamptz not null default now(),
      due_at timestamptz not null,
      looks integer not null default 0,
      settled_at timestamptz,
      outcome text check (outcome in ('confirmed', 'fetched', 'moot')),
      primary key (integration_id, event_id),
      check ((settled_at is null) = (outcome is null))
    )`,
  sql`
    create index hint_pending on hint (integration_id, class, due_at) where settled_at is null`,
  // Those that do not begin with the integration say otherwise what is pending, so that no statement
  // about one integration can be led into them.
  sql`create index hint_of_privacy on hint (due_at) where outcome is null and class = 'privacy'`,
  sql`create index hint_ticket on hint (integration_id, ticket_id)`,
  sql`create index hint_settled on hint (settled_at) where settled_at is not null`,
  sql`create index hint_oldest on hint (received_at) where num_nulls(settled_at, outcome) = 2`,

  // What the export last said of a ticket and what became of it. No text of the ticket stands here.
  sql`
    create table ticket (
      integration_id uuid not null references integration,
      ticket_id bigint not null,
      generated_at timestamptz not null,
      updated_at timestamptz not null,
      status text not null,
      tags text[] not null,
      group_id bigint,
      fingerprint text not null,
      comment_count integer,
      outcome text not null
        check (outcome in ('published', 'filtered', 'no_public_comments', 'gone', 'quarantined')),
      reason text,
      settled_at timestamptz not null default now(),
      retry_at timestamptz,
      primary key (integration_id, ticket_id),
      check ((outcome = 'quarantined') = (reason is not null)),
      check ((outcome = 'quarantined') = (retry_at is not null))
    )`,
  sql`create index ticket_outcome on ticket (integration_id, outcome)`,
  sql`
    create index ticket_retry on ticket (integration_id, retry_at) where retry_at is not null`,

  sql`
    create table transcript (
      integration_id uuid not null references integration,
      ticket_id bigint not null,
      workspace_id text not null references workspace,
      revision integer not null check (revision > 0),
      state text not null check (state in ('live', 'retracted')),
      content_hash text not null,
      changed_at timestamptz not null default now(),
      primary key (integration_id, ticket_id)
    )`,
  // Readers of the current transcripts page through those of their workspace in this order.
  sql`
    create index transcript_live on transcript (workspace_id, integration_id, ticket_id)
      where state = 'live'`,

  // Each text stands in one row only: the feed and the current transcripts read it here.
  sql`
    create table transcript_revision (
      integration_id uuid not null,
      ticket_id bigint not null,
      revision integer not null,
      ticket jsonb not null,
      turns jsonb not null
        check (not jsonb_path_exists(turns, '$[*] ? (!exists(@.public ? (@ == true)))')),
      primary key (integration_id, ticket_id, revision),
      foreign key (integration_id, ticket_id) references transcript on update cascade
    )`,

  // Transcripts of which earlier text may have been taken back, from a revision on; due_at is when it is
  // next looked whether readers have got the newest one, changed_at when that was written.
  sql`
    create table erasure (
      integration_id uuid not null,
      ticket_id bigint not null,
      from_revision integer not null,
      changed_at timestamptz not null default now(),
      due_at timestamptz not null default now(),
      primary key (integration_id, ticket_id),
      foreign key (integration_id, ticket_id) references transcript on update cascade
    )`,
  sql`create index erasure_due on erasure (due_at)`,

  // published_under is the integration that published it, where that was disconnected since and a later
  // one of the same account goes on with the transcript.
  sql`
    create table outbox_entry (
      workspace_id text not null references workspace,
      sequence bigint not null,
      id text not null unique,
      type text not null check (type in ('transcript.published', 'transcript.retracted')),
      reason text check (reason in ('deleted', 'filtered', 'no_public_comments', 'disconnected')),
      integration_id uuid not null,
      ticket_id bigint not null,
      revision integer not null,
      content_hash text,
      published_at timestamptz not null default now(),
      published_under uuid,
      primary key (workspace_id, sequence),
      unique (integration_id, ticket_id, revision),
      foreign key (integration_id, ticket_id) references transcript on update cascade,
      check ((type = 'transcript.retracted') = (reason is not null)),
      check ((type = 'transcript.published') = (content_hash is not null))
    )`,

  // How far a sink has been given a workspace's entries.
  sql`
    create table sink_position (
      sink text not null,
      workspace_id text not null references workspace,
      sequence bigint not null default 0,
      primary key (sink, workspace_id)
    )`,

  // Who gets publications over HTTP: a receiver of one workspace, or that of SINK_URL, which takes all
  // workspaces and keeps its address and secret in the environment (url is a hash of them). name is
  // what its position and its deliveries are kept under. A receiver that is failing has been so since
  // failing_since; deleted is a state until the last delivery has gone.
  sql`
    create table sink (
      name text primary key default 'sink_' || replace(gen_random_uuid()::text, '-', ''),
      workspace_id text references workspace,
      sink_id text not null,
      url text not null,
      key_id text,
      secret bytea,
      previous_secret bytea,
      previous_secret_until timestamptz,
      types text[] not null default '{transcript.published,transcript.retracted}',
      all_revisions boolean not null default false,
      version integer not null default 1,
      state text not null default 'active'
        check (state in ('active', 'stopped', 'off', 'deleted')),
      state_reason text,
      state_since timestamptz not null default now(),
      failing_since timestamptz,
      failed_at timestamptz,
      held_until timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      check ((workspace_id is null) = (secret is null)),
      check ((workspace_id is null) = (key_id is null)),
      check ((previous_secret is null) = (previous_secret_until is null)),
      check ((state in ('stopped', 'off')) = (state_reason is not null))
    )`,
  sql`
    create unique index sink_of_workspace on sink (workspace_id, sink_id)
      where state <> 'deleted'`,
  sql`create index sink_key on sink (key_id)`,
  sql`
    create index sink_rotated on sink (previous_secret_until)
      where previous_secret_until is not null`,
  sql`create index sink_deleted on sink (name) where state = 'deleted'`,

  // One receiver's turn at one publication. attempts never goes down but for an attempt that was none,
  // so that it tells a claim from a later one; attempts_before are those before it was made pending
  // again. history holds the last attempts with what came of them, nothing of what a receiver said.
  sql`
    create table delivery (
      sink text not null,
      workspace_id text not null,
      sequence bigint not null,
      integration_id uuid not null,
      ticket_id bigint not null,
      state text not null default 'pending'
        check (state in ('pending', 'delivered', 'superseded', 'dead')),
      replayed boolean not null default false,
      attempts integer not null default 0,
      attempts_before integer not null default 0,
      history jsonb not null default '[]',
      created_at timestamptz not null default now(),
      next_attempt_at timestamptz not null default now(),
      claimed_until timestamptz,
      outcome text,
      settled_at timestamptz,
      primary key (workspace_id, sequence, sink),
      foreign key (workspace_id, sequence) references outbox_entry,
      check ((state = 'pending') = (settled_at is null))
    )`,
  sql`
    create index delivery_due on delivery (sink, next_attempt_at) include (created_at)
      where state = 'pending'`,
  sql`create index delivery_dead on delivery (sink, settled_at) where state = 'dead'`,
  // Begins with the transcript and says otherwise what is pending: without statistics, or with those of
  // a time in which nothing is, the planner takes every index of what is pending for equally good.
  sql`
    create index delivery_order on delivery (integration_id, ticket_id, sequence)
      where settled_at is null`,

  // What of the outbox one sink is given again: what lies beyond sequence up to through, of some
  // tickets only if they are named. sequence moves with what is done, and the row goes with the last.
  sql`
    create table replay (
      id bigint primary key generated always as identity,
      sink text not null,
      workspace_id text not null references workspace,
      sequence bigint not null,
      through bigint not null,
      ticket_ids bigint[],
      created_at timestamptz not null default now()
    )`,
  sql`create index replay_sink on replay (sink, id)`,
  sql`create index replay_workspace on replay (workspace_id)`,

  // How long it took from a hint to its publication and from a slot to its end, as counts by bucket: what
  // lies above the bound of the one before, up to le. Whatever ended until measured_through is counted.
  sql`
    create table latency (
      name text not null check (name in ('hint_to_publication', 'slot_to_done')),
      le double precision not null,
      observed bigint not null default 0,
      seconds double precision not null default 0,
      primary key (name, le)
    )`,
  sql`
    create table latency_progress (
      name text primary key check (name in ('hint_to_publication', 'slot_to_done')),
      measured_through timestamptz not null default '1970-01-01'
    )`,

  // How many runs have ended, by kind and state, and what became of deliveries: the sum over all rows
  // of a kind. Whoever ends some adds a row of its own in the same transaction, so that nobody waits for
  // anybody; housekeeping makes few rows of many. Triggers add them, for many statements end something.
  sql`
    create table tally (
      id bigint primary key generated always as identity,
      what text not null check (what in ('backfill', 'sync', 'hints', 'delivery')),
      outcome text not null
        check (outcome in ('done', 'failed', 'delivered', 'superseded', 'dead', 'postponed')),
      counted bigint not null
    )`,
  sql`
    create function tally_runs() returns trigger language plpgsql as $$
    begin
      insert into tally (what, outcome, counted)
      select changed.kind, changed.state, count(*)
      from changed join former using (id)
      where changed.finished_at is not null and former.finished_at is null
      group by changed.kind, changed.state;
      return null;
    end $$`,
  sql`
    create trigger run_tally after update on run
      referencing old table as former new table as changed
      for each statement execute function tally_runs()`,
  // A delivery that stays pending was tried in vain if its history has grown. A claim counts nothing.
  sql`
    create function tally_deliveries() returns trigger language plpgsql as $$
    begin
      if not exists (select from changed where claimed_until is null) then return null; end if;
      insert into tally (what, outcome, counted)
      select 'delivery', case changed.state when 'pending' then 'postponed' else changed.state end,
        count(*)
      from changed join former using (workspace_id, sequence, sink)
      where former.state = 'pending'
        and (changed.state <> 'pending' or changed.history <> former.history)
      group by 2;
      return null;
    end $$`,
  sql`
    create trigger delivery_tally after update on delivery
      referencing old table as former new table as changed
      for each statement execute function tally_deliveries()`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of tables) await table.execute(db)
}
