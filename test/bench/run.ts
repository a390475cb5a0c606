import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../../db/embedded.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { type Measurement, measureOurs, measurePeer } from './backfill.ts'
import { measureBudget } from './budget.ts'
import { measureFeed } from './feed.ts'
import { measurePush } from './push/measure.ts'
import { type Way, measureImport } from './planner.ts'
import { showStatus } from './status/show.ts'
import { showWebhooks } from './webhooks/show.ts'

/**
 * The benchmarks, one table. Everything of a comparison is measured in the same run on the same
 * machine, so that the ratios mean something where the absolute figures do not. Zendesk answers in
 * 100 to 300 ms; the second comparison adds a small part of that, the first one none at all.
 */
const { values } = parseArgs({
  options: {
    tickets: { type: 'string', default: '50000' },
    small: { type: 'string', default: '5000' },
    latency: { type: 'string', default: '10' },
    planned: { type: 'string', default: '6000' },
    minute: { type: 'string', default: '4000' },
    budget: { type: 'string', default: '60000' },
    feed: { type: 'string', default: '100000' },
    connections: { type: 'string', default: '64' },
    flood: { type: 'string', default: '12' },
    pushed: { type: 'string', default: '20000' },
    status: { type: 'string', default: '1000000' },
  },
})
const tickets = Number(values.tickets)
const small = Number(values.small)
const latencyMs = Number(values.latency)

setLogLevel('warn')
await using postgres = await startEmbeddedPostgres({ durable: false })
const { url } = postgres
say('Import of an account, no rate limit, one comments request a ticket')
say(row('', 'latency ms', 'tickets', 'published', 'seconds', 'tickets/s', 'peak RSS MB'))
const large = show(await measureOurs(url, tickets, 0))
const little = show(await measureOurs(url, small, 0))
const script = show(await measurePeer(url, tickets, 0))
const distant = show(await measureOurs(url, small, latencyMs))
const distantScript = show(await measurePeer(url, small, latencyMs))
say('')
say(`speed beside the script, ${latencyMs} ms     ${ratio(rate(distant), rate(distantScript))}`)
say(`speed beside the script, no latency ${ratio(rate(large), rate(script))}`)
say(`memory at ${tickets} beside ${small}      ${ratio(large.peakRss, little.peakRss)}`)

const planned = { tickets: Number(values.planned), minuteMs: Number(values.minute) }
say('')
say(
  `Import of ${planned.tickets} tickets with 8 events each, 400 requests a minute, 10 exports, half`,
)
say(row('', 'minutes', 'beside 1st', 'per 10,000'))
const ways: readonly Way[] = ['per ticket', 'frugal', 'fast']
let perTicket = 0
for (const way of ways) {
  const { minutes, requests, tickets: seen } = await measureImport(url, way, planned)
  perTicket ||= minutes
  const each = Math.round((requests / seen) * 10_000)
  say(row(way, minutes.toFixed(1), (minutes / perTicket).toFixed(2), String(each)))
}

const budgetMs = Number(values.budget)
const { most, least, mostExports, refused } = await measureBudget(url, budgetMs)
say('')
say('Four workers and two workspaces on an account of 400 requests a minute, share 0.5')
say(row('', 'most', 'least', 'exports', '429s'))
say(row('in a minute', String(most), String(least), String(mostExports), String(refused)))

const history = Number(values.feed)
say('')
say(
  `The feed: a history of ${history} publications with 4 turns each, read and parsed by one reader`,
)
say(row('', 'read', 'seconds', 'each/s', 'beside 1st', 'MB sent'))
let oneByOne = 0
for (const { how, publications, seconds, megabytes } of await measureFeed(url, history)) {
  const each = publications / seconds
  oneByOne ||= each
  const cells = [publications, seconds.toFixed(1), each.toFixed(0), ratio(each, oneByOne)]
  say(row(how, ...cells.map(String), megabytes.toFixed(1)))
}
say('')
await showWebhooks({ connections: Number(values.connections), seconds: Number(values.flood), say })
const pushed = await measurePush(url, Number(values.pushed))
say('')
say('Publications brought to a receiver on this machine')
say(row('', 'publications', 'seconds', 'a second'))
for (const { what, publications, seconds } of pushed) {
  const perSecond = (publications / seconds).toFixed(0)
  say(row(what, String(publications), seconds.toFixed(1), perSecond))
}

say('')
await showStatus(url, { rows: Number(values.status), say })

function show(measurement: Measurement): Measurement {
  const { what, latencyMs: latency, seconds, peakRss } = measurement
  say(
    row(
      what,
      String(latency),
      String(measurement.tickets),
      String(measurement.published),
      seconds.toFixed(1),
      rate(measurement).toFixed(0),
      (peakRss / 2 ** 20).toFixed(0),
    ),
  )
  return measurement
}

function rate({ tickets: count, seconds }: Measurement): number {
  return count / seconds
}

function ratio(a: number, b: number): string {
  return `${(a / b).toFixed(2)} times`
}

function row(first: string, ...cells: readonly string[]): string {
  return first.padEnd(26) + cells.map((cell) => cell.padStart(12)).join('')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
