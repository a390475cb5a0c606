-- After each release, as hearflow_owner: psql -f docs/operating/grants.sql
-- What web and worker need and no more. It may run any number of times.
begin;
revoke all on all tables in schema public, pgboss from hearflow_runtime;
grant usage on schema public, pgboss to hearflow_runtime;

-- Rows are read, made and changed in all tables; the list of migrations is only read.
grant select, insert, update on all tables in schema public to hearflow_runtime;
revoke insert, update on kysely_migration, kysely_migration_lock from hearflow_runtime;

-- Rows go from these tables only.
grant delete on
  author, back_lane, consent, credential, cursor, delivery, erasure, event_stream, hint, outbox_entry,
  replay, sink, sink_position, staged_event, tally, ticket, transcript_revision, webhook, webhook_check
  to hearflow_runtime;

-- The queue keeps its jobs by itself.
grant select, insert, update, delete on all tables in schema pgboss to hearflow_runtime;
revoke insert, update, delete on pgboss.version from hearflow_runtime;
commit;
