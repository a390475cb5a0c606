import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../../../db/embedded.ts'
import { measureStatus } from './measure.ts'

/** What people and Prometheus look at, in a service that has been at work for long. */
export async function showStatus(
  server: string,
  { rows, say }: { readonly rows: number; readonly say: (line: string) => void },
): Promise<void> {
  const { filled, pages } = await measureStatus(server, rows)
  const { hints, entries, deliveries } = filled
  say(`10,000 integrations, ${hints} hints, ${entries} outbox entries, ${deliveries} deliveries`)
  say(`${''.padEnd(40)}${'median ms'.padStart(12)}${'p95 ms'.padStart(12)}`)
  for (const { page, medianMs, p95Ms } of pages) {
    const cells = [medianMs, p95Ms].map((ms) => ms.toFixed(1).padStart(12))
    say(`${page.padEnd(40)}${cells.join('')}`)
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { rows: { type: 'string', default: '10000000' } } })
  await using postgres = await startEmbeddedPostgres({ durable: false })
  const say = (line: string) => void process.stdout.write(`${line}\n`)
  await showStatus(postgres.url, { rows: Number(values.rows), say })
}
