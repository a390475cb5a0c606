import { startEmbeddedPostgres } from '../../../db/embedded.ts'

/** A process to kill: starts an embedded Postgres (kept in the folder of its argument), tells its URL. */
const dataDir = process.argv[2]
const postgres = await startEmbeddedPostgres(
  dataDir === undefined ? { durable: false } : { durable: true, dataDir },
)
process.stdout.write(`${postgres.url}\n`)
process.stdin.resume()
