import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../../db/embedded.ts'
import { setLogLevel } from '../../src/platform/log.ts'
import { sections } from './sections.ts'
import { say } from './table.ts'

/**
 * The benchmarks, one table each; `--only=feed` runs one of them. Everything of a comparison is measured
 * in the same run on the same machine, so that the ratios mean something where the absolute figures do
 * not. Zendesk answers in 100 to 300 ms; the second comparison adds a small part of that, the first one
 * none at all.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    tickets: { type: 'string', default: '50000' },
    small: { type: 'string', default: '5000' },
    latency: { type: 'string', default: '10' },
    planned: { type: 'string', default: '6000' },
    minute: { type: 'string', default: '4000' },
    budget: { type: 'string', default: '60000' },
    feed: { type: 'string', default: '100000' },
    steps: { type: 'string', default: '300000' },
    connections: { type: 'string', default: '64' },
    flood: { type: 'string', default: '12' },
    pushed: { type: 'string', default: '20000' },
    status: { type: 'string', default: '1000000' },
  },
})
const sizes = {
  tickets: Number(values.tickets),
  small: Number(values.small),
  latency: Number(values.latency),
  planned: Number(values.planned),
  minute: Number(values.minute),
  budget: Number(values.budget),
  feed: Number(values.feed),
  steps: Number(values.steps),
  connections: Number(values.connections),
  flood: Number(values.flood),
  pushed: Number(values.pushed),
  status: Number(values.status),
}
const { only } = values
if (only !== undefined && !sections.has(only)) {
  throw new RangeError(`--only: expected one of ${[...sections.keys()].join(', ')}`)
}

setLogLevel('warn')
await using postgres = await startEmbeddedPostgres({ durable: false })
for (const [name, section] of sections) {
  if (only !== undefined && only !== name) continue
  await section(postgres.url, sizes)
  say('')
}
