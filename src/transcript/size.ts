import type { Transcript } from './transcript.ts'

/** What a turn takes besides its text. */
const TURN_BYTES = 250

/** Bytes of the turns in their row, near enough. */
export function sizeOf({ turns }: Transcript): number {
  return turns.reduce((bytes, turn) => bytes + TURN_BYTES + Buffer.byteLength(turn.text), 0)
}
