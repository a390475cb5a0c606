import { Client, escapeIdentifier, escapeLiteral } from 'pg'

/** The rows of each table, as JSON, in an order in which they can be inserted. */
export type Snapshot = readonly { readonly table: string; readonly rows: string }[]

/** What the rows of other tables refer to comes first. */
const PARENTS = ['workspace', 'integration', 'transcript', 'outbox_entry']

/** All rows of our tables, and the jobs of the queue. */
export async function takeSnapshot(url: string): Promise<Snapshot> {
  return asClient(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select tablename as name from pg_tables
       where schemaname = 'public' and tablename not like 'kysely%'`,
    )
    const others = rows.map(({ name }) => name).filter((name) => !PARENTS.includes(name))
    const tables = [...PARENTS, ...others].map((name) => escapeIdentifier(name))
    const snapshot: { table: string; rows: string }[] = []
    for (const table of [...tables, 'pgboss.job']) {
      const all = await client.query<{ rows: string }>(
        `select coalesce(json_agg(t), '[]')::text as rows from ${table} t`,
      )
      snapshot.push({ table, rows: all.rows[0]?.rows ?? '[]' })
    }
    return snapshot
  })
}

/** Much faster than a new database. Nobody else may be connected. */
export async function restoreSnapshot(url: string, snapshot: Snapshot): Promise<void> {
  const deletions = snapshot.toReversed().map(({ table }) => `delete from ${table}`)
  const insertions = snapshot
    .filter(({ rows }) => rows !== '[]')
    .map(
      ({ table, rows }) => `insert into ${table} overriding system value
        select * from json_populate_recordset(null::${table}, ${escapeLiteral(rows)})`,
    )
  const statements = ['begin', ...deletions, ...insertions, 'commit']
  await asClient(url, (client) => client.query(statements.join(';\n')))
}

async function asClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
