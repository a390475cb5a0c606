import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../../db/embedded.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { type Measurement, measureOurs, measurePeer } from './backfill.ts'

/**
 * The benchmarks, one table. Everything of a row pair is measured in the same run on the same machine,
 * so that the ratios mean something where the absolute figures do not.
 */
const { values } = parseArgs({
  options: {
    tickets: { type: 'string', default: '50000' },
    small: { type: 'string', default: '5000' },
    latency: { type: 'string', default: '0' },
  },
})
const tickets = Number(values.tickets)
const small = Number(values.small)
const latencyMs = Number(values.latency)

setLogLevel('warn')
await using postgres = await startEmbeddedPostgres({ durable: false })
const ours = await measureOurs(postgres.url, tickets, latencyMs)
const oursSmall = await measureOurs(postgres.url, small, latencyMs)
const peer = await measurePeer(postgres.url, tickets, latencyMs)

const lines = [
  `Import of an account, no rate limit, one comments request a ticket, ${latencyMs} ms latency`,
  row('', 'tickets', 'published', 'seconds', 'tickets/s', 'peak RSS MB'),
  ...[ours, oursSmall, peer].map(measurementRow),
  '',
  `speed beside the script      ${(rate(ours) / rate(peer)).toFixed(2)} times (goal: at least 3)`,
  `memory at ${tickets} beside ${small}  ${(ours.peakRss / oursSmall.peakRss).toFixed(2)} times (goal: at most 1.2)`,
]
process.stdout.write(`${lines.join('\n')}\n`)

function measurementRow(measurement: Measurement): string {
  return row(
    measurement.what,
    String(measurement.tickets),
    String(measurement.published),
    measurement.seconds.toFixed(1),
    rate(measurement).toFixed(0),
    (measurement.peakRss / 2 ** 20).toFixed(0),
  )
}

function rate({ tickets: count, seconds }: Measurement): number {
  return count / seconds
}

function row(first: string, ...cells: readonly string[]): string {
  return first.padEnd(26) + cells.map((cell) => cell.padStart(12)).join('')
}
