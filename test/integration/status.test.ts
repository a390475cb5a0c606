import test from 'ava'
import type { IntegrationStatus } from '../../db/schema.ts'
import { type StatusEvent, statusAfter, statusesBefore } from '../../src/integration/status.ts'

const events: readonly StatusEvent[] = ['connected', 'failed', 'paused', 'resumed', 'disconnected']

const table: Readonly<Record<IntegrationStatus, readonly (IntegrationStatus | undefined)[]>> = {
  pending: ['active', 'errored', undefined, undefined, 'disconnected'],
  active: ['active', 'errored', 'paused', undefined, 'disconnected'],
  paused: ['paused', 'errored', undefined, 'active', 'disconnected'],
  errored: ['active', 'errored', undefined, undefined, 'disconnected'],
  disconnected: [undefined, undefined, undefined, undefined, undefined],
}

for (const [status, after] of Object.entries(table)) {
  test(`what can happen to an integration that is ${status}`, (t) => {
    const found = events.map((event) => statusAfter(status as IntegrationStatus, event))

    t.deepEqual(found, [...after])
  })
}

test('an integration fails in every status but disconnected', (t) => {
  t.deepEqual(statusesBefore('failed'), ['pending', 'active', 'paused', 'errored'])
})
