create table author (
  integration_id uuid not null,
  user_id bigint not null,
  is_staff boolean not null,
  learnt_at timestamp with time zone not null default now(),
  constraint author_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint author_pkey PRIMARY KEY (integration_id, user_id)
);

create table back_lane (
  integration_id uuid not null,
  ends_at timestamp with time zone not null,
  done_from timestamp with time zone not null,
  constraint back_lane_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint back_lane_pkey PRIMARY KEY (integration_id)
);

create table budget (
  account text not null,
  family text not null,
  limit_per_minute integer,
  slot bigint not null default 0,
  granted integer[] not null default '{}'::integer[],
  blocked_until timestamp with time zone,
  others integer[] not null default '{}'::integer[],
  constraint budget_limit_per_minute_check CHECK ((limit_per_minute > 0)),
  constraint budget_pkey PRIMARY KEY (account, family)
);

create table consent (
  state_hash bytea not null,
  integration_id uuid not null,
  key_id text not null,
  code_verifier bytea not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  constraint consent_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint consent_pkey PRIMARY KEY (state_hash)
);
CREATE INDEX consent_integration ON public.consent USING btree (integration_id);

create table credential (
  integration_id uuid not null,
  key_id text not null,
  client_id text not null,
  access_token bytea not null,
  refresh_token bytea,
  scope text not null,
  expires_at timestamp with time zone,
  refresh_expires_at timestamp with time zone,
  refreshed_at timestamp with time zone not null default now(),
  refresh_started_at timestamp with time zone,
  renew_by timestamp with time zone,
  constraint credential_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint credential_pkey PRIMARY KEY (integration_id)
);
CREATE INDEX credential_client ON public.credential USING btree (client_id);
CREATE INDEX credential_key ON public.credential USING btree (key_id);
CREATE INDEX credential_renewal ON public.credential USING btree (renew_by);

create table cursor (
  integration_id uuid not null,
  stream text not null,
  start_at timestamp with time zone not null,
  after_cursor text,
  generated_at timestamp with time zone,
  page_size integer not null,
  end_reached_at timestamp with time zone,
  moves integer not null default 0,
  landmark text,
  constraint cursor_stream_check CHECK ((stream = ANY (ARRAY['tickets'::text, 'window'::text]))),
  constraint cursor_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint cursor_pkey PRIMARY KEY (integration_id, stream)
);

create table delivery (
  sink text not null,
  workspace_id text not null,
  sequence bigint not null,
  integration_id uuid not null,
  ticket_id bigint not null,
  state text not null default 'pending'::text,
  replayed boolean not null default false,
  attempts integer not null default 0,
  attempts_before integer not null default 0,
  history jsonb not null default '[]'::jsonb,
  created_at timestamp with time zone not null default now(),
  next_attempt_at timestamp with time zone not null default now(),
  claimed_until timestamp with time zone,
  outcome text,
  settled_at timestamp with time zone,
  constraint delivery_check CHECK (((state = 'pending'::text) = (settled_at IS NULL))),
  constraint delivery_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'superseded'::text, 'dead'::text]))),
  constraint delivery_workspace_id_sequence_fkey FOREIGN KEY (workspace_id, sequence) REFERENCES outbox_entry(workspace_id, sequence),
  constraint delivery_pkey PRIMARY KEY (workspace_id, sequence, sink)
);
CREATE INDEX delivery_dead ON public.delivery USING btree (sink, settled_at) WHERE (state = 'dead'::text);
CREATE INDEX delivery_due ON public.delivery USING btree (sink, next_attempt_at) INCLUDE (created_at) WHERE (state = 'pending'::text);
CREATE INDEX delivery_order ON public.delivery USING btree (integration_id, ticket_id, sequence) WHERE (settled_at IS NULL);
CREATE OR REPLACE FUNCTION public.tally_deliveries()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
    end $function$
CREATE TRIGGER delivery_tally AFTER UPDATE ON public.delivery REFERENCING OLD TABLE AS former NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tally_deliveries();

create table disconnection (
  integration_id uuid not null,
  requested_at timestamp with time zone not null default now(),
  purge boolean not null,
  release text not null default 'pending'::text,
  release_attempts integer not null default 0,
  due_at timestamp with time zone not null default now(),
  cleared_at timestamp with time zone,
  transcripts integer not null default 0,
  revisions integer not null default 0,
  tickets integer not null default 0,
  hints integer not null default 0,
  hash text not null default ''::text,
  retracted_at timestamp with time zone,
  finished_at timestamp with time zone,
  constraint disconnection_release_check CHECK ((release = ANY (ARRAY['pending'::text, 'done'::text, 'given_up'::text]))),
  constraint disconnection_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint disconnection_pkey PRIMARY KEY (integration_id)
);
CREATE INDEX disconnection_due ON public.disconnection USING btree (due_at) WHERE (finished_at IS NULL);

create table erasure (
  integration_id uuid not null,
  ticket_id bigint not null,
  from_revision integer not null,
  changed_at timestamp with time zone not null default now(),
  due_at timestamp with time zone not null default now(),
  constraint erasure_integration_id_ticket_id_fkey FOREIGN KEY (integration_id, ticket_id) REFERENCES transcript(integration_id, ticket_id) ON UPDATE CASCADE,
  constraint erasure_pkey PRIMARY KEY (integration_id, ticket_id)
);
CREATE INDEX erasure_due ON public.erasure USING btree (due_at);

create table event_stream (
  integration_id uuid not null,
  whole_since timestamp with time zone not null,
  read_until timestamp with time zone not null,
  page_size integer not null,
  events_read bigint not null default 0,
  rows_read bigint not null default 0,
  rows_behind bigint not null default 0,
  constraint event_stream_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint event_stream_pkey PRIMARY KEY (integration_id)
);

create table feed (
  workspace_id text not null,
  last_sequence bigint not null default 0,
  pruned_through bigint not null default 0,
  constraint feed_check CHECK ((pruned_through <= last_sequence)),
  constraint feed_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspace(id),
  constraint feed_pkey PRIMARY KEY (workspace_id)
);

create table hint (
  integration_id uuid not null,
  event_id text not null,
  ticket_id bigint not null,
  type text not null,
  class text not null,
  occurred_at timestamp with time zone not null,
  received_at timestamp with time zone not null default now(),
  due_at timestamp with time zone not null,
  looks integer not null default 0,
  settled_at timestamp with time zone,
  outcome text,
  constraint hint_check CHECK (((settled_at IS NULL) = (outcome IS NULL))),
  constraint hint_class_check CHECK ((class = ANY (ARRAY['content'::text, 'privacy'::text]))),
  constraint hint_outcome_check CHECK ((outcome = ANY (ARRAY['confirmed'::text, 'fetched'::text, 'moot'::text]))),
  constraint hint_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint hint_pkey PRIMARY KEY (integration_id, event_id)
);
CREATE INDEX hint_of_privacy ON public.hint USING btree (due_at) WHERE ((outcome IS NULL) AND (class = 'privacy'::text));
CREATE INDEX hint_oldest ON public.hint USING btree (received_at) WHERE (num_nulls(settled_at, outcome) = 2);
CREATE INDEX hint_pending ON public.hint USING btree (integration_id, class, due_at) WHERE (settled_at IS NULL);
CREATE INDEX hint_settled ON public.hint USING btree (settled_at) WHERE (settled_at IS NOT NULL);
CREATE INDEX hint_ticket ON public.hint USING btree (integration_id, ticket_id);

create table integration (
  id uuid not null default gen_random_uuid(),
  workspace_id text not null,
  subdomain text not null,
  status text not null default 'pending'::text,
  status_since timestamp with time zone not null default now(),
  error_code text,
  error_message text,
  paused_before_error boolean not null default false,
  zendesk_user_id bigint,
  connected_at timestamp with time zone,
  scheduled_from timestamp with time zone,
  filters_version integer not null default 0,
  careful_until timestamp with time zone,
  manual_sync_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  constraint integration_check CHECK (((status = 'errored'::text) = (error_code IS NOT NULL))),
  constraint integration_check1 CHECK (((error_code IS NULL) = (error_message IS NULL))),
  constraint integration_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'paused'::text, 'errored'::text, 'disconnected'::text]))),
  constraint integration_subdomain_check CHECK ((subdomain ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'::text)),
  constraint integration_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspace(id),
  constraint integration_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX integration_account ON public.integration USING btree (workspace_id, subdomain) WHERE (status <> 'disconnected'::text);
CREATE INDEX integration_past ON public.integration USING btree (workspace_id, subdomain) WHERE (status = 'disconnected'::text);
CREATE INDEX integration_status ON public.integration USING btree (status, id);
CREATE INDEX integration_workspace ON public.integration USING btree (workspace_id, id);

create table latency (
  name text not null,
  le double precision not null,
  observed bigint not null default 0,
  seconds double precision not null default 0,
  constraint latency_name_check CHECK ((name = ANY (ARRAY['hint_to_publication'::text, 'slot_to_done'::text]))),
  constraint latency_pkey PRIMARY KEY (name, le)
);

create table latency_progress (
  name text not null,
  measured_through timestamp with time zone not null default '1970-01-01 00:00:00+00'::timestamp with time zone,
  constraint latency_progress_name_check CHECK ((name = ANY (ARRAY['hint_to_publication'::text, 'slot_to_done'::text]))),
  constraint latency_progress_pkey PRIMARY KEY (name)
);

create table lease (
  integration_id uuid not null,
  fence bigint not null default 0,
  lock_number integer not null generated always as identity,
  constraint lease_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint lease_pkey PRIMARY KEY (integration_id),
  constraint lease_lock_number_key UNIQUE (lock_number)
);

create table outbox_entry (
  workspace_id text not null,
  sequence bigint not null,
  id text not null,
  type text not null,
  reason text,
  integration_id uuid not null,
  ticket_id bigint not null,
  revision integer not null,
  content_hash text,
  published_at timestamp with time zone not null default now(),
  published_under uuid,
  constraint outbox_entry_check CHECK (((type = 'transcript.retracted'::text) = (reason IS NOT NULL))),
  constraint outbox_entry_check1 CHECK (((type = 'transcript.published'::text) = (content_hash IS NOT NULL))),
  constraint outbox_entry_reason_check CHECK ((reason = ANY (ARRAY['deleted'::text, 'filtered'::text, 'no_public_comments'::text, 'disconnected'::text]))),
  constraint outbox_entry_type_check CHECK ((type = ANY (ARRAY['transcript.published'::text, 'transcript.retracted'::text]))),
  constraint outbox_entry_integration_id_ticket_id_fkey FOREIGN KEY (integration_id, ticket_id) REFERENCES transcript(integration_id, ticket_id) ON UPDATE CASCADE,
  constraint outbox_entry_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspace(id),
  constraint outbox_entry_pkey PRIMARY KEY (workspace_id, sequence),
  constraint outbox_entry_id_key UNIQUE (id),
  constraint outbox_entry_integration_id_ticket_id_revision_key UNIQUE (integration_id, ticket_id, revision)
);

create table replay (
  id bigint not null generated always as identity,
  sink text not null,
  workspace_id text not null,
  sequence bigint not null,
  through bigint not null,
  ticket_ids bigint[],
  created_at timestamp with time zone not null default now(),
  constraint replay_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspace(id),
  constraint replay_pkey PRIMARY KEY (id)
);
CREATE INDEX replay_sink ON public.replay USING btree (sink, id);
CREATE INDEX replay_workspace ON public.replay USING btree (workspace_id);

create table request_count (
  integration_id uuid not null,
  family text not null,
  status integer not null,
  requests bigint not null,
  constraint request_count_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint request_count_pkey PRIMARY KEY (integration_id, family, status)
);

create table run (
  id uuid not null default gen_random_uuid(),
  integration_id uuid not null,
  kind text not null,
  stream text not null default 'tickets'::text,
  slot timestamp with time zone,
  state text not null default 'queued'::text,
  window_from timestamp with time zone not null,
  resume_at timestamp with time zone not null default now(),
  wait_reason text,
  created_at timestamp with time zone not null default clock_timestamp(),
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  attempts integer not null default 0,
  waited_seconds integer not null default 0,
  pages integer not null default 0,
  reached_at timestamp with time zone,
  ahead_ms bigint not null default 0,
  tickets_seen integer not null default 0,
  published integer not null default 0,
  unchanged integer not null default 0,
  filtered integer not null default 0,
  no_public_comments integer not null default 0,
  gone integer not null default 0,
  quarantined integer not null default 0,
  unaccounted bigint[] not null default '{}'::bigint[],
  retracted integer not null default 0,
  hints_confirmed integer not null default 0,
  hints_fetched integer not null default 0,
  hints_moot integer not null default 0,
  news_hinted integer not null default 0,
  news_silent integer not null default 0,
  requests jsonb not null default '{}'::jsonb,
  plan jsonb not null default '{}'::jsonb,
  drift_sampled integer not null default 0,
  drift_found integer not null default 0,
  running_ms bigint not null default 0,
  waits jsonb not null default '{}'::jsonb,
  pace jsonb not null default '[]'::jsonb,
  error_code text,
  error_message text,
  constraint run_check CHECK (((state = 'failed'::text) = (error_code IS NOT NULL))),
  constraint run_check1 CHECK (((state = ANY (ARRAY['done'::text, 'failed'::text])) = (finished_at IS NOT NULL))),
  constraint run_kind_check CHECK ((kind = ANY (ARRAY['backfill'::text, 'sync'::text, 'hints'::text]))),
  constraint run_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'waiting'::text, 'done'::text, 'failed'::text]))),
  constraint run_stream_check CHECK ((stream = ANY (ARRAY['tickets'::text, 'window'::text]))),
  constraint run_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint run_pkey PRIMARY KEY (id),
  constraint run_integration_id_slot_key UNIQUE (integration_id, slot)
);
CREATE INDEX run_ended ON public.run USING btree (state, finished_at) WHERE (finished_at IS NOT NULL);
CREATE INDEX run_integration ON public.run USING btree (integration_id, created_at DESC);
CREATE INDEX run_next ON public.run USING btree (integration_id, created_at) WHERE (finished_at IS NULL);
CREATE UNIQUE INDEX run_of_hints ON public.run USING btree (integration_id) WHERE ((kind = 'hints'::text) AND (finished_at IS NULL));
CREATE OR REPLACE FUNCTION public.tally_runs()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    begin
      insert into tally (what, outcome, counted)
      select changed.kind, changed.state, count(*)
      from changed join former using (id)
      where changed.finished_at is not null and former.finished_at is null
      group by changed.kind, changed.state;
      return null;
    end $function$
CREATE TRIGGER run_tally AFTER UPDATE ON public.run REFERENCING OLD TABLE AS former NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tally_runs();

create table sink (
  name text not null default ('sink_'::text || replace((gen_random_uuid())::text, '-'::text, ''::text)),
  workspace_id text,
  sink_id text not null,
  url text not null,
  key_id text,
  secret bytea,
  previous_secret bytea,
  previous_secret_until timestamp with time zone,
  types text[] not null default '{transcript.published,transcript.retracted}'::text[],
  all_revisions boolean not null default false,
  version integer not null default 1,
  state text not null default 'active'::text,
  state_reason text,
  state_since timestamp with time zone not null default now(),
  failing_since timestamp with time zone,
  failed_at timestamp with time zone,
  held_until timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint sink_check CHECK (((workspace_id IS NULL) = (secret IS NULL))),
  constraint sink_check1 CHECK (((workspace_id IS NULL) = (key_id IS NULL))),
  constraint sink_check2 CHECK (((previous_secret IS NULL) = (previous_secret_until IS NULL))),
  constraint sink_check3 CHECK (((state = ANY (ARRAY['stopped'::text, 'off'::text])) = (state_reason IS NOT NULL))),
  constraint sink_state_check CHECK ((state = ANY (ARRAY['active'::text, 'stopped'::text, 'off'::text, 'deleted'::text]))),
  constraint sink_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspace(id),
  constraint sink_pkey PRIMARY KEY (name)
);
CREATE INDEX sink_deleted ON public.sink USING btree (name) WHERE (state = 'deleted'::text);
CREATE INDEX sink_key ON public.sink USING btree (key_id);
CREATE UNIQUE INDEX sink_of_workspace ON public.sink USING btree (workspace_id, sink_id) WHERE (state <> 'deleted'::text);
CREATE INDEX sink_rotated ON public.sink USING btree (previous_secret_until) WHERE (previous_secret_until IS NOT NULL);

create table sink_position (
  sink text not null,
  workspace_id text not null,
  sequence bigint not null default 0,
  constraint sink_position_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspace(id),
  constraint sink_position_pkey PRIMARY KEY (sink, workspace_id)
);

create table staged_event (
  integration_id uuid not null,
  event_id bigint not null,
  ticket_id bigint not null,
  at timestamp with time zone not null,
  comment_count integer not null,
  must_confirm boolean not null,
  comments jsonb not null,
  constraint staged_event_comments_check CHECK ((NOT jsonb_path_exists(comments, '$[*]?(!(exists (@."public"?(@ == true))))'::jsonpath))),
  constraint staged_event_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint staged_event_pkey PRIMARY KEY (integration_id, event_id)
);
CREATE INDEX staged_event_ticket ON public.staged_event USING btree (integration_id, ticket_id, at);

create table tally (
  id bigint not null generated always as identity,
  what text not null,
  outcome text not null,
  counted bigint not null,
  constraint tally_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'failed'::text, 'delivered'::text, 'superseded'::text, 'dead'::text, 'postponed'::text]))),
  constraint tally_what_check CHECK ((what = ANY (ARRAY['backfill'::text, 'sync'::text, 'hints'::text, 'delivery'::text]))),
  constraint tally_pkey PRIMARY KEY (id)
);

create table ticket (
  integration_id uuid not null,
  ticket_id bigint not null,
  generated_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  status text not null,
  tags text[] not null,
  group_id bigint,
  fingerprint text not null,
  comment_count integer,
  outcome text not null,
  reason text,
  settled_at timestamp with time zone not null default now(),
  retry_at timestamp with time zone,
  constraint ticket_check CHECK (((outcome = 'quarantined'::text) = (reason IS NOT NULL))),
  constraint ticket_check1 CHECK (((outcome = 'quarantined'::text) = (retry_at IS NOT NULL))),
  constraint ticket_outcome_check CHECK ((outcome = ANY (ARRAY['published'::text, 'filtered'::text, 'no_public_comments'::text, 'gone'::text, 'quarantined'::text]))),
  constraint ticket_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint ticket_pkey PRIMARY KEY (integration_id, ticket_id)
);
CREATE INDEX ticket_outcome ON public.ticket USING btree (integration_id, outcome);
CREATE INDEX ticket_retry ON public.ticket USING btree (integration_id, retry_at) WHERE (retry_at IS NOT NULL);

create table transcript (
  integration_id uuid not null,
  ticket_id bigint not null,
  workspace_id text not null,
  revision integer not null,
  state text not null,
  content_hash text not null,
  changed_at timestamp with time zone not null default now(),
  constraint transcript_revision_check CHECK ((revision > 0)),
  constraint transcript_state_check CHECK ((state = ANY (ARRAY['live'::text, 'retracted'::text]))),
  constraint transcript_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint transcript_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspace(id),
  constraint transcript_pkey PRIMARY KEY (integration_id, ticket_id)
);
CREATE INDEX transcript_live ON public.transcript USING btree (workspace_id, integration_id, ticket_id) WHERE (state = 'live'::text);

create table transcript_revision (
  integration_id uuid not null,
  ticket_id bigint not null,
  revision integer not null,
  ticket jsonb not null,
  turns jsonb not null,
  constraint transcript_revision_turns_check CHECK ((NOT jsonb_path_exists(turns, '$[*]?(!(exists (@."public"?(@ == true))))'::jsonpath))),
  constraint transcript_revision_integration_id_ticket_id_fkey FOREIGN KEY (integration_id, ticket_id) REFERENCES transcript(integration_id, ticket_id) ON UPDATE CASCADE,
  constraint transcript_revision_pkey PRIMARY KEY (integration_id, ticket_id, revision)
);

create table webhook (
  integration_id uuid not null,
  zendesk_webhook_id text,
  key_id text not null,
  signing_secret bytea not null,
  account_id bigint,
  created_at timestamp with time zone not null default now(),
  last_received_at timestamp with time zone,
  silent_share double precision,
  constraint webhook_silent_share_check CHECK (((silent_share >= (0)::double precision) AND (silent_share <= (1)::double precision))),
  constraint webhook_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint webhook_pkey PRIMARY KEY (integration_id)
);
CREATE INDEX webhook_key ON public.webhook USING btree (key_id);

create table webhook_check (
  integration_id uuid not null,
  due_at timestamp with time zone not null default now(),
  attempts integer not null default 0,
  checked_at timestamp with time zone,
  problem text,
  constraint webhook_check_problem_check CHECK ((problem = ANY (ARRAY['scope_missing'::text, 'forbidden'::text, 'limit_reached'::text, 'rejected'::text, 'token_refused'::text, 'unavailable'::text, 'failing'::text, 'circuit_broken'::text]))),
  constraint webhook_check_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint webhook_check_pkey PRIMARY KEY (integration_id)
);
CREATE INDEX webhook_check_due ON public.webhook_check USING btree (due_at);
CREATE INDEX webhook_check_unwell ON public.webhook_check USING btree (problem, integration_id) WHERE (problem IS NOT NULL);

create table workspace (
  id text not null,
  plan text not null default 'starter'::text,
  sync_day text not null default 'monday'::text,
  scheduled_since timestamp with time zone not null default now(),
  earlier_slot timestamp with time zone,
  zendesk_include_tags text[] not null default '{}'::text[],
  zendesk_exclude_tags text[] not null default '{}'::text[],
  zendesk_include_group_ids bigint[] not null default '{}'::bigint[],
  filters_version integer not null default 1,
  quota_share double precision,
  freshness text not null default 'scheduled'::text,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint workspace_check CHECK (((freshness = 'scheduled'::text) OR (plan <> 'starter'::text))),
  constraint workspace_freshness_check CHECK ((freshness = ANY (ARRAY['scheduled'::text, 'prompt'::text]))),
  constraint workspace_plan_check CHECK ((plan = ANY (ARRAY['starter'::text, 'pro'::text, 'enterprise'::text]))),
  constraint workspace_quota_share_check CHECK (((quota_share >= (0.05)::double precision) AND (quota_share <= (1)::double precision))),
  constraint workspace_sync_day_check CHECK ((sync_day = ANY (ARRAY['monday'::text, 'tuesday'::text, 'wednesday'::text, 'thursday'::text, 'friday'::text, 'saturday'::text, 'sunday'::text]))),
  constraint workspace_pkey PRIMARY KEY (id)
);
