import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startEmbeddedPostgres } from '../../../db/embedded.ts'
import { type Storing, type WebhookLoad, measureWebhooks } from './measure.ts'

const WAYS: Readonly<Record<Storing, string>> = {
  none: 'verified, not stored',
  batches: 'the service',
  each: 'one insert each',
}

/** In turns, so that what else the machine does meets all of them. */
const ROUNDS = 3

export interface WebhookBench {
  readonly connections: number
  readonly seconds: number
  readonly say: (line: string) => void
}

/**
 * Deliveries that the service accepts, beside the same route without a database and beside one that
 * makes a statement of each, on a server that writes to the disk before it answers.
 */
export async function showWebhooks({ connections, seconds, say }: WebhookBench): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hearflow-bench-'))
  const loads = new Map<Storing, WebhookLoad[]>()
  try {
    await using postgres = await startEmbeddedPostgres({ durable: true, dataDir: folder })
    for (let round = 0; round < ROUNDS; round++) {
      for (const storing of Object.keys(WAYS) as Storing[]) {
        const size = { connections, measureMs: (seconds * 1_000) / ROUNDS }
        const load = await measureWebhooks(postgres.url, storing, size)
        loads.set(storing, [...(loads.get(storing) ?? []), load])
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  say(`Webhooks over ${connections} connections`)
  say(row('', 'accepted/s', 'p50 ms', 'p99 ms', 'refused', 'lost'))
  for (const [storing, name] of Object.entries(WAYS)) {
    say(row(name, ...cells(loads.get(storing as Storing) ?? [])))
  }
  say(`beside not storing       ${ratio(loads, 'none')}`)
  say(`beside one insert each   ${ratio(loads, 'each')}`)
}

function cells(loads: readonly WebhookLoad[]): string[] {
  const refused = loads.reduce((sum, load) => sum + load.refused, 0)
  const lost = loads.reduce((sum, { total, stored }) => sum + Math.max(0, total - stored), 0)
  return [
    rate(loads).toFixed(0),
    middle(loads.map(({ p50 }) => p50)).toFixed(1),
    middle(loads.map(({ p99 }) => p99)).toFixed(1),
    String(refused),
    loads[0]?.storing === 'none' ? '-' : String(lost),
  ]
}

function rate(loads: readonly WebhookLoad[]): number {
  const accepted = loads.reduce((sum, load) => sum + load.accepted, 0)
  return accepted / loads.reduce((sum, load) => sum + load.seconds, 0)
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

function ratio(loads: ReadonlyMap<Storing, readonly WebhookLoad[]>, other: Storing): string {
  const of = (storing: Storing): number => rate(loads.get(storing) ?? [])
  return `${(of('batches') / of(other)).toFixed(2)} times`
}

function row(first: string, ...columns: readonly string[]): string {
  return first.padEnd(26) + columns.map((column) => column.padStart(12)).join('')
}

if (import.meta.main) {
  const say = (line: string) => void process.stdout.write(`${line}\n`)
  await showWebhooks({ connections: 64, seconds: 12, say })
}
