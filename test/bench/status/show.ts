import { row, say } from '../table.ts'
import { measureStatus } from './measure.ts'

/** What people and Prometheus look at, in a service that has been at work for long. */
export async function showStatus(server: string, rows: number): Promise<void> {
  const { filled, pages } = await measureStatus(server, rows)
  const { hints, entries, deliveries } = filled
  say(`10,000 integrations, ${hints} hints, ${entries} outbox entries, ${deliveries} deliveries`)
  say(row('', 'median ms', 'p95 ms'))
  for (const { page, medianMs, p95Ms } of pages) {
    say(row(page, medianMs.toFixed(1), p95Ms.toFixed(1)))
  }
}
