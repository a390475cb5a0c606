import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Client } from 'pg'
import { queues } from '../src/queues.ts'
import { startEmbeddedPostgres } from './embedded.ts'
import { migrateToLatest } from './migrate.ts'

export const schemaFile = path.join(import.meta.dirname, 'schema.sql')

/** Our tables as the server describes them, in an order that does not depend on how they came to be. */
const definitions = `
  select c.relname as table,
    (select string_agg(format('  %I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
        case when a.attnotnull then ' not null' else '' end,
        case when a.attidentity = 'a' then ' generated always as identity'
          else coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') end),
        E',\\n' order by a.attnum)
      from pg_attribute a left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    (select string_agg(format('  constraint %I %s', k.conname, pg_get_constraintdef(k.oid)),
        E',\\n' order by k.contype, k.conname)
      from pg_constraint k where k.conrelid = c.oid and k.contype <> 'n') as constraints,
    (select string_agg(pg_get_indexdef(i.indexrelid) || ';', E'\\n' order by i.indexrelid::regclass::text)
      from pg_index i where i.indrelid = c.oid
        and not exists (select from pg_constraint k where k.conindid = i.indexrelid)) as indexes,
    (select string_agg(pg_get_functiondef(g.tgfoid) || pg_get_triggerdef(g.oid) || ';', E'\\n'
        order by g.tgname)
      from pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal) as triggers
  from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
    and c.relname not like 'kysely_migration%'
  order by c.relname`

interface TableDefinition {
  readonly table: string
  readonly columns: string
  readonly constraints: string | null
  readonly indexes: string | null
  readonly triggers: string | null
}

/** The schema as SQL text, for people who review a migration; `npm run schema` writes it anew. */
export async function dumpSchema(url: string): Promise<string> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<TableDefinition>(definitions)
    return rows.map(toSql).join('\n')
  } finally {
    await client.end()
  }
}

function toSql({ table, columns, constraints, indexes, triggers }: TableDefinition): string {
  const body = constraints === null ? columns : `${columns},\n${constraints}`
  const after = [indexes, triggers].flatMap((part) => (part === null ? [] : `${part}\n`))
  return `create table ${table} (\n${body}\n);\n${after.join('')}`
}

if (import.meta.main) {
  await using postgres = await startEmbeddedPostgres({ durable: false })
  await migrateToLatest(postgres.url, queues)
  writeFileSync(schemaFile, await dumpSchema(postgres.url))
}
