import { DateTime } from 'luxon'
import type { Facts } from '../../src/admin/status/facts.ts'

/** A service at rest, at noon. */
export function someFacts(changed: Partial<Facts> = {}): Facts {
  const none = { count: 0, isMore: false }
  return {
    now: DateTime.utc(2026, 3, 3, 12),
    sizeBytes: 1_000,
    workers: 1,
    queues: [{ name: 'run', ready: none, active: none, failed: none, oldestAt: null }],
    integrations: { pending: 0, active: 1, paused: 0, errored: 0, disconnected: 0 },
    errored: [],
    runs: { unfinished: { queued: 0, running: 0, waiting: 0 }, isMore: false, retrying: 0 },
    failedRuns: { ...none, ids: [] },
    hints: { ...none, oldestAt: null },
    lateHints: { ...none, ids: [] },
    quarantined: none,
    behind: { entries: 0, oldestAt: null },
    deliveries: { ...none, retrying: 0, oldestAt: null },
    dead: none,
    replays: none,
    sinks: [],
    webhooks: [],
    ...changed,
  }
}
