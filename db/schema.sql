create table budget (
  account text not null,
  family text not null,
  limit_per_minute integer,
  slot bigint not null default 0,
  granted integer[] not null default '{}'::integer[],
  blocked_until timestamp with time zone,
  updated_at timestamp with time zone not null default now(),
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
  access_token bytea not null,
  refresh_token bytea,
  scope text not null,
  expires_at timestamp with time zone,
  refresh_expires_at timestamp with time zone,
  refreshed_at timestamp with time zone not null default now(),
  refresh_started_at timestamp with time zone,
  constraint credential_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint credential_pkey PRIMARY KEY (integration_id)
);

create table cursor (
  integration_id uuid not null,
  stream text not null,
  start_at timestamp with time zone not null,
  after_cursor text,
  generated_at timestamp with time zone,
  page_size integer not null,
  end_reached_at timestamp with time zone,
  updated_at timestamp with time zone not null default now(),
  constraint cursor_stream_check CHECK ((stream = 'tickets'::text)),
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
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone not null default now(),
  claimed_until timestamp with time zone,
  outcome text,
  settled_at timestamp with time zone,
  constraint delivery_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'superseded'::text, 'dead'::text]))),
  constraint delivery_workspace_id_sequence_fkey FOREIGN KEY (workspace_id, sequence) REFERENCES outbox_entry(workspace_id, sequence),
  constraint delivery_pkey PRIMARY KEY (sink, workspace_id, sequence)
);
CREATE INDEX delivery_due ON public.delivery USING btree (sink, next_attempt_at) WHERE (state = 'pending'::text);
CREATE INDEX delivery_order ON public.delivery USING btree (integration_id, ticket_id, sequence) WHERE (state = 'pending'::text);

create table feed (
  workspace_id text not null,
  last_sequence bigint not null default 0,
  constraint feed_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspace(id),
  constraint feed_pkey PRIMARY KEY (workspace_id)
);

create table integration (
  id uuid not null default gen_random_uuid(),
  workspace_id text not null,
  subdomain text not null,
  status text not null default 'pending'::text,
  status_since timestamp with time zone not null default now(),
  error_code text,
  error_message text,
  zendesk_user_id bigint,
  connected_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  constraint integration_check CHECK (((status = 'errored'::text) = (error_code IS NOT NULL))),
  constraint integration_check1 CHECK (((error_code IS NULL) = (error_message IS NULL))),
  constraint integration_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'paused'::text, 'errored'::text, 'disconnected'::text]))),
  constraint integration_subdomain_check CHECK ((subdomain ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'::text)),
  constraint integration_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspace(id),
  constraint integration_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX integration_account ON public.integration USING btree (workspace_id, subdomain) WHERE (status <> 'disconnected'::text);
CREATE INDEX integration_status ON public.integration USING btree (status, id);

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
  constraint outbox_entry_check CHECK (((type = 'transcript.retracted'::text) = (reason IS NOT NULL))),
  constraint outbox_entry_check1 CHECK (((type = 'transcript.published'::text) = (content_hash IS NOT NULL))),
  constraint outbox_entry_reason_check CHECK ((reason = ANY (ARRAY['deleted'::text, 'filtered'::text, 'no_public_comments'::text, 'disconnected'::text]))),
  constraint outbox_entry_type_check CHECK ((type = ANY (ARRAY['transcript.published'::text, 'transcript.retracted'::text]))),
  constraint outbox_entry_integration_id_ticket_id_fkey FOREIGN KEY (integration_id, ticket_id) REFERENCES transcript(integration_id, ticket_id),
  constraint outbox_entry_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspace(id),
  constraint outbox_entry_pkey PRIMARY KEY (workspace_id, sequence),
  constraint outbox_entry_id_key UNIQUE (id),
  constraint outbox_entry_integration_id_ticket_id_revision_key UNIQUE (integration_id, ticket_id, revision)
);

create table run (
  id uuid not null default gen_random_uuid(),
  integration_id uuid not null,
  kind text not null,
  slot timestamp with time zone,
  state text not null default 'queued'::text,
  window_from timestamp with time zone not null,
  resume_at timestamp with time zone not null default now(),
  wait_reason text,
  created_at timestamp with time zone not null default now(),
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  attempts integer not null default 0,
  pages integer not null default 0,
  reached_at timestamp with time zone,
  tickets_seen integer not null default 0,
  published integer not null default 0,
  unchanged integer not null default 0,
  filtered integer not null default 0,
  no_public_comments integer not null default 0,
  gone integer not null default 0,
  quarantined integer not null default 0,
  retracted integer not null default 0,
  requests jsonb not null default '{}'::jsonb,
  error_code text,
  error_message text,
  constraint run_check CHECK (((state = 'failed'::text) = (error_code IS NOT NULL))),
  constraint run_check1 CHECK (((state = ANY (ARRAY['done'::text, 'failed'::text])) = (finished_at IS NOT NULL))),
  constraint run_kind_check CHECK ((kind = ANY (ARRAY['backfill'::text, 'sync'::text, 'hints'::text]))),
  constraint run_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'waiting'::text, 'done'::text, 'failed'::text]))),
  constraint run_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint run_pkey PRIMARY KEY (id),
  constraint run_integration_id_slot_key UNIQUE (integration_id, slot)
);
CREATE INDEX run_integration ON public.run USING btree (integration_id, created_at DESC);
CREATE INDEX run_unfinished ON public.run USING btree (resume_at) WHERE (finished_at IS NULL);

create table sink_position (
  sink text not null,
  workspace_id text not null,
  sequence bigint not null default 0,
  constraint sink_position_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspace(id),
  constraint sink_position_pkey PRIMARY KEY (sink, workspace_id)
);

create table ticket (
  integration_id uuid not null,
  ticket_id bigint not null,
  generated_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  status text not null,
  tags text[] not null,
  group_id bigint,
  outcome text not null,
  reason text,
  settled_at timestamp with time zone not null default now(),
  constraint ticket_check CHECK (((outcome = 'quarantined'::text) = (reason IS NOT NULL))),
  constraint ticket_outcome_check CHECK ((outcome = ANY (ARRAY['published'::text, 'filtered'::text, 'no_public_comments'::text, 'gone'::text, 'quarantined'::text]))),
  constraint ticket_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integration(id),
  constraint ticket_pkey PRIMARY KEY (integration_id, ticket_id)
);
CREATE INDEX ticket_outcome ON public.ticket USING btree (integration_id, outcome);

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

create table transcript_revision (
  integration_id uuid not null,
  ticket_id bigint not null,
  revision integer not null,
  ticket jsonb not null,
  turns jsonb not null,
  constraint transcript_revision_turns_check CHECK ((NOT jsonb_path_exists(turns, '$[*]?(!(exists (@."public"?(@ == true))))'::jsonpath))),
  constraint transcript_revision_integration_id_ticket_id_fkey FOREIGN KEY (integration_id, ticket_id) REFERENCES transcript(integration_id, ticket_id),
  constraint transcript_revision_pkey PRIMARY KEY (integration_id, ticket_id, revision)
);

create table workspace (
  id text not null,
  plan text not null default 'starter'::text,
  sync_day text not null default 'monday'::text,
  zendesk_include_tags text[] not null default '{}'::text[],
  zendesk_exclude_tags text[] not null default '{}'::text[],
  zendesk_include_group_ids bigint[] not null default '{}'::bigint[],
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
