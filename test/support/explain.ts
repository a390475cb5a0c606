import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import { ownTypes } from '../../db/connect.ts'
import type { Database } from '../../db/schema.ts'

export interface Sent {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

/** A connection that notes what is sent over it. */
export function recordingConnection(url: string, max: number) {
  const sent: Sent[] = []
  const options = '-c TimeZone=UTC -c DateStyle=ISO'
  const pool = new Pool({ connectionString: url, max, options, types: ownTypes })
  const db = new Kysely<Database>({
    dialect: new PostgresDialect({ pool }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
    log: ({ level, query }) => {
      if (level === 'query') sent.push({ sql: query.sql, parameters: query.parameters })
    },
  })
  return { db, pool, sent }
}

/** Of what the server has a plan for. */
export function hasPlan({ sql }: Sent): boolean {
  return /^\s*(select|with|insert|update|delete)\b/i.test(sql)
}

/** The plans of the statements that are sent, as the server explains them; nothing is kept of them. */
export async function plansOf(
  url: string,
  use: (db: Kysely<Database>) => Promise<unknown>,
): Promise<string[]> {
  const { db, pool, sent } = recordingConnection(url, 1)
  try {
    const transaction = await db.startTransaction().execute()
    try {
      await use(transaction)
    } finally {
      await transaction.rollback().execute()
    }
    const plans: string[] = []
    for (const { sql, parameters } of sent.filter(hasPlan)) {
      const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`explain ${sql}`, [...parameters])
      plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
    }
    return plans
  } finally {
    await db.destroy()
  }
}
