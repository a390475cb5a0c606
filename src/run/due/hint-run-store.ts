import { type Kysely, sql } from 'kysely'
import type { Database } from '../../../db/schema.ts'
import { IntegrationId } from '../../ids.ts'

/**
 * Makes a run for each active integration with a hint whose look is due: of those that may take words
 * back on every plan, of all others where freshness is prompt. An integration has one such run at a
 * time, so two workers that do this at once make no second one. Returns whose they are.
 */
export async function insertHintRuns(db: Kysely<Database>): Promise<IntegrationId[]> {
  const { rows } = await sql<{ integrationId: string }>`
    insert into run (integration_id, kind, window_from)
    select integration.id, 'hints', now() from integration
    where integration.status = 'active' and integration.id in (
      select integration_id from hint
      where outcome is null and class = 'privacy' and due_at <= now()
      union all
      select prompt.id from integration prompt
      join workspace on workspace.id = prompt.workspace_id
      where workspace.freshness = 'prompt' and exists (
        select from hint where hint.integration_id = prompt.id
          and hint.class = 'content' and hint.settled_at is null and hint.due_at <= now()
        offset 0))
    on conflict (integration_id) where kind = 'hints' and finished_at is null do nothing
    returning integration_id as "integrationId"`.execute(db)
  return rows.map((row) => IntegrationId.parse(row.integrationId))
}
