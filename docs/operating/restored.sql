-- After a restore to an earlier point, before web and worker start again, as hearflow_owner:
-- psql -f docs/operating/restored.sql
-- Numbers and revisions that readers have seen would be given out once more, for other publications.
-- All of them are moved beyond what was ever given: numbers to the present instant in milliseconds,
-- revisions by the minutes since 2026. Readers of the feed are told so by 410 cursor_pruned.
begin;
alter table delivery drop constraint delivery_workspace_id_sequence_fkey;

create temporary table moved on commit drop as
select workspace_id, floor(extract(epoch from now()) * 1000)::bigint - pruned_through as by
from feed;

update outbox_entry as entry set sequence = sequence + moved.by,
  revision = revision + extract(epoch from now() - '2026-01-01T00:00:00Z')::integer / 60
from moved where moved.workspace_id = entry.workspace_id;
update delivery set sequence = sequence + moved.by
from moved where moved.workspace_id = delivery.workspace_id;
update sink_position as position set sequence = sequence + moved.by
from moved where moved.workspace_id = position.workspace_id;
update replay set sequence = sequence + moved.by, through = through + moved.by
from moved where moved.workspace_id = replay.workspace_id;
update feed set last_sequence = last_sequence + moved.by, pruned_through = pruned_through + moved.by
from moved where moved.workspace_id = feed.workspace_id;

update transcript
set revision = revision + extract(epoch from now() - '2026-01-01T00:00:00Z')::integer / 60;
update transcript_revision
set revision = revision + extract(epoch from now() - '2026-01-01T00:00:00Z')::integer / 60;
update erasure
set from_revision = from_revision + extract(epoch from now() - '2026-01-01T00:00:00Z')::integer / 60;

alter table delivery add constraint delivery_workspace_id_sequence_fkey
  foreign key (workspace_id, sequence) references outbox_entry;
commit;
