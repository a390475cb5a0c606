import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'

/** Lets every integration read what changes at the comments endpoint, as after drift was found. */
export async function readTicketByTicket(db: Kysely<Database>): Promise<void> {
  const carefulUntil = new Date(Date.now() + 86_400_000)
  await db.updateTable('integration').set({ carefulUntil }).execute()
}
