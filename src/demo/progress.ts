import type { IntegrationStatus } from './api.ts'

const WIDTH = 40

/** A bar that redraws itself in a terminal; elsewhere a plain line every ten percent. */
export function progressWriter(
  output: NodeJS.WriteStream,
): (backfill: NonNullable<IntegrationStatus['backfill']>, published: number) => void {
  let lastTenth = -1
  return ({ state, progress, tickets_seen: seen }, published) => {
    const fraction = state === 'done' ? 1 : progress
    const counts = `${seen} tickets seen, ${published} transcripts published`
    if (output.isTTY) {
      output.write(`\r${bar(fraction)} ${counts}\u001B[K${state === 'done' ? '\n' : ''}`)
      return
    }
    const tenth = Math.floor(fraction * 10)
    if (tenth > lastTenth) output.write(`backfill ${tenth * 10} %: ${counts}\n`)
    lastTenth = Math.max(lastTenth, tenth)
  }
}

export function bar(fraction: number): string {
  const full = Math.round(fraction * WIDTH)
  const percent = String(Math.floor(fraction * 100)).padStart(3)
  return `[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${percent} %`
}
