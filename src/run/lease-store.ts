import { type Kysely, type Transaction, sql } from 'kysely'
import { Client } from 'pg'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId } from '../ids.ts'
import { DatabaseError, LeaseLostError } from '../platform/errors.ts'

/**
 * One run per integration at a time, over all workers. Two things hold that together:
 *
 * - An advisory lock on one connection of the worker says who is alive. Postgres drops it the moment
 *   the process dies, so that the next worker goes on at once instead of waiting for a timeout.
 * - A fencing number says who may write. Taking the lease counts it up, and each commit of a run
 *   checks its own number: a worker that lost its lock without noticing cannot commit.
 */
export interface Lease {
  readonly integrationId: IntegrationId
  readonly fence: number
  /** Aborts when the connection that holds the lock is lost. */
  readonly signal: AbortSignal
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** Our half of the two-part advisory lock key; the other half is the lease's `lock_number`. */
const LOCK_NAMESPACE = 0x68656172

/** The server finds out within half a minute that the machine at the other end is gone. */
const KEEPALIVE = '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3'

interface Connection {
  readonly client: Client
  readonly lost: AbortController
}

export class Leases {
  readonly #db: Kysely<Database>
  readonly #url: string
  readonly #held = new Set<IntegrationId>()
  #connection: Promise<Connection> | undefined

  constructor(db: Kysely<Database>, url: string) {
    this.#db = db
    this.#url = url
  }

  /** Takes the lease of an integration, or undefined if a living worker holds it. */
  async take(integrationId: IntegrationId): Promise<Lease | undefined> {
    if (this.#held.has(integrationId)) return undefined
    this.#held.add(integrationId)
    try {
      const connection = await this.#connect()
      const lockNumber = await this.#lock(connection.client, integrationId)
      if (lockNumber === undefined) {
        this.#held.delete(integrationId)
        return undefined
      }
      const fence = await raiseFence(this.#db, integrationId)
      return {
        integrationId,
        fence,
        signal: connection.lost.signal,
        [Symbol.asyncDispose]: () => this.#release(connection, integrationId, lockNumber),
      }
    } catch (error) {
      this.#held.delete(integrationId)
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined)
    await connection?.client.end()
  }

  async #lock(client: Client, integrationId: IntegrationId): Promise<number | undefined> {
    const { rows } = await client.query<{ number: number; locked: boolean }>(
      `select lock_number as number, pg_try_advisory_lock($1, lock_number) as locked
       from lease where integration_id = $2`,
      [LOCK_NAMESPACE, integrationId],
    )
    const [row] = rows
    if (row === undefined) throw new DatabaseError(`integration ${integrationId} has no lease row`)
    return row.locked ? row.number : undefined
  }

  async #release(
    connection: Connection,
    integrationId: IntegrationId,
    lockNumber: number,
  ): Promise<void> {
    this.#held.delete(integrationId)
    if (connection.lost.signal.aborted) return
    await connection.client.query('select pg_advisory_unlock($1, $2)', [LOCK_NAMESPACE, lockNumber])
  }

  #connect(): Promise<Connection> {
    this.#connection ??= this.#open()
    return this.#connection
  }

  async #open(): Promise<Connection> {
    const lost = new AbortController()
    const client = new Client({
      connectionString: this.#url,
      application_name: 'hearflow-zendesk-leases',
      options: KEEPALIVE,
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
    })
    const forget = (): void => {
      this.#connection = undefined
      lost.abort(new LeaseLostError('the connection that holds the leases was lost'))
    }
    client.on('error', forget)
    client.on('end', forget)
    try {
      await client.connect()
    } catch (error) {
      this.#connection = undefined
      throw error
    }
    return { client, lost }
  }
}

async function raiseFence(db: Kysely<Database>, integrationId: IntegrationId): Promise<number> {
  const { fence } = await db
    .updateTable('lease')
    .set((eb) => ({ fence: eb('fence', '+', 1) }))
    .where('integrationId', '=', integrationId)
    .returning('fence')
    .executeTakeFirstOrThrow()
  return fence
}

/**
 * Stands at the head of each commit of a run: throws unless the lease is still ours and the
 * integration still active, and keeps both so until the commit.
 */
export async function assertLease(trx: Transaction<Database>, lease: Lease): Promise<void> {
  const row = await trx
    .selectFrom('lease')
    .innerJoin('integration', 'integration.id', 'lease.integrationId')
    .select('lease.fence')
    .where('lease.integrationId', '=', lease.integrationId)
    .where('lease.fence', '=', lease.fence)
    .where('integration.status', '=', 'active')
    .modifyEnd(sql`for share`)
    .executeTakeFirst()
  if (row === undefined) {
    throw new LeaseLostError(
      `integration ${lease.integrationId} was taken over or is no longer active`,
    )
  }
}
