import { mix } from '../world/hash.ts'
import type { World } from '../world/world.ts'

/** Seconds after which Zendesk scrubs a deleted ticket. */
export const THIRTY_DAYS = 30 * 86_400

/**
 * A deleted ticket whose last change is older than thirty days must have been scrubbed by that
 * change; of the younger ones half were deleted thirty days earlier and are scrubbed as well.
 */
export function isScrubbedFromTheStart(world: World, hash: number, generated: number): boolean {
  return generated <= world.startAt - THIRTY_DAYS || mix(hash, 36) % 2 === 0
}
