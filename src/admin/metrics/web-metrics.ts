import { Histogram, Registry } from 'prom-client'
import type { Observed } from '../../platform/http/app.ts'
import { PREFIX } from './row-metrics.ts'

/** What this one web process has answered. Routes are told by their pattern, of which there are few. */
export class WebMetrics {
  readonly registry = new Registry()
  readonly #durations = new Histogram({
    name: `${PREFIX}http_request_duration_seconds`,
    help: 'Requests answered by this web process, by method, route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 30],
    registers: [this.registry],
  })

  readonly observe = ({ method, route, status, ms }: Observed): void => {
    this.#durations.observe({ method, route, status }, ms / 1_000)
  }
}
