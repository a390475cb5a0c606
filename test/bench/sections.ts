import { type Measurement, measureOurs, measurePeer } from './backfill.ts'
import { measureBudget } from './budget.ts'
import { measureFeed } from './feed.ts'
import { type Way, measureImport } from './planner.ts'
import { measurePush } from './push/measure.ts'
import { measureReaders } from './readers.ts'
import { ratio, row, say } from './table.ts'
import { showStatus } from './status/show.ts'
import { showWebhooks } from './webhooks/show.ts'

/** How large everything is. */
export interface Sizes {
  readonly tickets: number
  readonly small: number
  readonly latency: number
  readonly planned: number
  readonly minute: number
  readonly budget: number
  readonly feed: number
  readonly steps: number
  readonly connections: number
  readonly flood: number
  readonly pushed: number
  readonly status: number
}

/** Measures on this server and says what it finds; throws if what must hold does not. */
type Section = (server: string, sizes: Sizes) => Promise<void>

async function showImport(url: string, { tickets, small, latency }: Sizes): Promise<void> {
  say('Import of an account, no rate limit, one comments request a ticket')
  say(row('', 'latency ms', 'tickets', 'published', 'seconds', 'tickets/s', 'peak RSS MB'))
  const large = show(await measureOurs(url, tickets, 0))
  const little = show(await measureOurs(url, small, 0))
  const script = show(await measurePeer(url, tickets, 0))
  const distant = show(await measureOurs(url, small, latency))
  const distantScript = show(await measurePeer(url, small, latency))
  say('')
  say(`speed beside the script, ${latency} ms     ${ratio(rate(distant), rate(distantScript))}`)
  say(`speed beside the script, no latency ${ratio(rate(large), rate(script))}`)
  say(`memory at ${tickets} beside ${small}      ${ratio(large.peakRss, little.peakRss)}`)
}

async function showPlanner(url: string, { planned, minute }: Sizes): Promise<void> {
  say(`Import of ${planned} tickets with 8 events each, 400 requests a minute, 10 exports, half`)
  say(row('', 'minutes', 'beside 1st', 'per 10,000'))
  const ways: readonly Way[] = ['per ticket', 'frugal', 'fast']
  let perTicket = 0
  for (const way of ways) {
    const size = { tickets: planned, minuteMs: minute }
    const { minutes, requests, tickets: seen } = await measureImport(url, way, size)
    perTicket ||= minutes
    const each = Math.round((requests / seen) * 10_000)
    say(row(way, minutes.toFixed(1), (minutes / perTicket).toFixed(2), String(each)))
  }
}

async function showBudget(url: string, { budget }: Sizes): Promise<void> {
  const { most, least, mostExports, refused } = await measureBudget(url, budget)
  say('Four workers and two workspaces on an account of 400 requests a minute, share 0.5')
  say(row('', 'most', 'least', 'exports', '429s'))
  say(row('in a minute', String(most), String(least), String(mostExports), String(refused)))
}

async function showFeed(url: string, { feed }: Sizes): Promise<void> {
  say(
    `The feed: a history of ${feed} publications with 4 turns each, read and parsed by one reader`,
  )
  say(row('', 'read', 'seconds', 'each/s', 'beside 1st', 'MB sent'))
  let oneByOne = 0
  for (const { how, publications, seconds, megabytes } of await measureFeed(url, feed)) {
    const each = publications / seconds
    oneByOne ||= each
    const cells = [publications, seconds.toFixed(1), each.toFixed(0), ratio(each, oneByOne)]
    say(row(how, ...cells.map(String), megabytes.toFixed(1)))
  }
}

async function showReaders(url: string, { steps }: Sizes): Promise<void> {
  const { committed, requests, readers, seconds } = await measureReaders(url, steps)
  say(`The feed: eight writers, a quarter rolled back, and three readers, ${steps} steps`)
  say(row('', 'committed', 'requests', 'seconds', 'each/s', 'seen once'))
  const cells = [committed, requests, seconds.toFixed(0), (committed / seconds).toFixed(0)]
  const once = Math.min(...readers.map((reader) => reader.once))
  say(row('readers at random', ...[...cells, once].map(String)))
  for (const { doubled, missing, invented, disorder, position } of readers) {
    if (doubled + missing + invented + disorder.length === 0 && position === committed) continue
    const found = { doubled, missing, invented, position, disorder: disorder.slice(0, 3) }
    throw new Error(`a reader did not see each publication once: ${JSON.stringify(found)}`)
  }
}

async function showPush(url: string, { pushed }: Sizes): Promise<void> {
  say('Publications brought to a receiver on this machine')
  say(row('', 'publications', 'seconds', 'a second'))
  for (const { what, publications, seconds } of await measurePush(url, pushed)) {
    const perSecond = (publications / seconds).toFixed(0)
    say(row(what, String(publications), seconds.toFixed(1), perSecond))
  }
}

/** In the order in which they are shown. */
export const sections: ReadonlyMap<string, Section> = new Map<string, Section>([
  ['import', showImport],
  ['planner', showPlanner],
  ['budget', showBudget],
  ['feed', showFeed],
  ['readers', showReaders],
  ['webhooks', (_, { connections, flood }) => showWebhooks({ connections, seconds: flood, say })],
  ['push', showPush],
  ['status', (url, { status: rows }) => showStatus(url, rows)],
])

function show(measurement: Measurement): Measurement {
  const { what, latencyMs, tickets, published, seconds, peakRss } = measurement
  const cells = [latencyMs, tickets, published, seconds.toFixed(1), rate(measurement).toFixed(0)]
  say(row(what, ...cells.map(String), (peakRss / 2 ** 20).toFixed(0)))
  return measurement
}

function rate({ tickets, seconds }: Measurement): number {
  return tickets / seconds
}
