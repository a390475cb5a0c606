import test from 'ava'
import { sql } from 'kysely'
import { listTicketFacts, readStoredFrom } from '../../../src/admin/preview/preview-store.ts'
import { readQuarantine } from '../../../src/admin/store.ts'
import { testDatabase } from '../../support/database.ts'
import { plansOf } from '../../support/explain.ts'
import { aFeed } from '../../support/outbox-rows.ts'

test('what is shown of one integration asks indexes, however many tickets others have', async (t) => {
  const { db, url } = await testDatabase(t)
  const { integrationId } = await aFeed(db)
  const other = await aFeed(db, 'w2')
  for (const [id, tickets] of [
    [integrationId, 2_000],
    [other.integrationId, 20_000],
  ] as const) {
    await sql`
      insert into ticket (integration_id, ticket_id, generated_at, updated_at, status, tags,
        fingerprint, outcome, reason, retry_at)
      select ${id}::uuid, n, now(), now(), 'open', '{}', 'x',
        case when n % 1000 = 0 then 'quarantined' else 'published' end,
        case when n % 1000 = 0 then 'ticket ' || n || ' has more than 500 pages of comments' end,
        case when n % 1000 = 0 then now() end
      from generate_series(1, ${tickets}::int) n`.execute(db)
    await sql`
      insert into transcript (integration_id, ticket_id, workspace_id, revision, state, content_hash)
      select ${id}::uuid, n, 'w1', 1, 'live', '' from generate_series(1, ${tickets}::int) n
    `.execute(db)
  }
  await sql`analyze ticket, transcript`.execute(db)

  const plans = await plansOf(url, async (trx) => {
    const page = await listTicketFacts(trx, integrationId, { after: 500, limit: 100 })
    t.deepEqual([page.length, page[0]?.ticketId, page[0]?.isLive], [100, 501, true])
    const quarantine = await readQuarantine(trx, integrationId)
    t.like(quarantine, { tickets: 2 })
    t.deepEqual(quarantine.reasons, [
      { reason: 'the ticket has more than 500 pages of comments', tickets: 2 },
    ])
    await readStoredFrom(trx, integrationId)
  })

  t.is(plans.length, 3)
  t.regex(plans[0] ?? '', /Index Scan using ticket_pkey/)
  t.regex(plans[1] ?? '', /ticket_retry/)
  for (const plan of plans) t.notRegex(plan, /Seq Scan on (ticket|transcript)/, plan)
})
