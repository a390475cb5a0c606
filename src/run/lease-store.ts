import { type Kysely, type Transaction, sql } from 'kysely'
import { Client, type QueryResultRow } from 'pg'
import { FORGET_THE_DEAD } from '../../db/connect.ts'
import type { Database } from '../../db/schema.ts'
import type { IntegrationId } from '../ids.ts'
import { DatabaseError, LeaseLostError } from '../platform/errors.ts'
import { within } from '../platform/lifecycle.ts'

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
export const LOCK_NAMESPACE = 0x68656172

/** A lock that is not answered for so long is lost with its connection. */
const ANSWER_TIMEOUT_MS = 10_000

/** A server that is gone does not even hear that we let go. */
const GOODBYE_MS = 1_000

/** One session of the server, which holds the locks of all leases of this process. */
interface Connection {
  readonly ask: <Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[],
  ) => Promise<readonly Row[]>
  /** Aborts when the session has ended, and its locks with it. */
  readonly lost: AbortSignal
  readonly end: () => Promise<void>
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
      const lockNumber = await this.#lock(connection, integrationId)
      if (lockNumber === undefined) {
        this.#held.delete(integrationId)
        return undefined
      }
      const release = () => this.#release(connection, integrationId, lockNumber)
      try {
        const fence = await raiseFence(this.#db, integrationId)
        const { lost: signal } = connection
        return { integrationId, fence, signal, [Symbol.asyncDispose]: release }
      } catch (error) {
        await release()
        throw error
      }
    } catch (error) {
      this.#held.delete(integrationId)
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined)
    if (connection !== undefined) await within(GOODBYE_MS, connection.end())
  }

  async #lock(connection: Connection, integrationId: IntegrationId): Promise<number | undefined> {
    const [row] = await connection.ask<{ number: number; locked: boolean }>(
      `select lock_number as number, pg_try_advisory_lock($1, lock_number) as locked
       from lease where integration_id = $2`,
      [LOCK_NAMESPACE, integrationId],
    )
    if (row === undefined) throw new DatabaseError(`integration ${integrationId} has no lease row`)
    return row.locked ? row.number : undefined
  }

  async #release(
    connection: Connection,
    integrationId: IntegrationId,
    lockNumber: number,
  ): Promise<void> {
    this.#held.delete(integrationId)
    if (connection.lost.aborted) return
    const unlock = 'select pg_advisory_unlock($1, $2)'
    // If it fails the session is ended, which unlocks as well; whoever takes it next asks behind it.
    await within(
      GOODBYE_MS,
      connection.ask(unlock, [LOCK_NAMESPACE, lockNumber]).catch(() => {}),
    )
  }

  #connect(): Promise<Connection> {
    if (this.#connection !== undefined) return this.#connection
    const opened = open(this.#url, () => {
      // One that was opened meanwhile is not the one that is lost.
      if (this.#connection === opened) this.#connection = undefined
    })
    this.#connection = opened
    return opened
  }
}

async function open(url: string, forget: () => void): Promise<Connection> {
  const client = new Client({
    connectionString: url,
    application_name: 'hearflow-zendesk-leases',
    options: FORGET_THE_DEAD,
    keepAlive: true,
    connectionTimeoutMillis: ANSWER_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
  })
  const lost = new AbortController()
  const lose = (): void => {
    forget()
    lost.abort(new LeaseLostError('the connection that holds the leases was lost'))
  }
  client.on('error', lose)
  client.on('end', lose)
  let last: Promise<unknown> = Promise.resolve()
  const ask: Connection['ask'] = async <Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[],
  ) => {
    const answer = last.then(() => client.query<Row>(text, [...values]))
    // A question without an answer leaves the locks in doubt: with the session all of them end.
    last = answer.catch(() => {
      lose()
      return client.end().catch(() => {})
    })
    return (await answer).rows
  }
  try {
    await client.connect()
  } catch (error) {
    forget()
    throw error
  }
  return { ask, lost: lost.signal, end: () => client.end() }
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
