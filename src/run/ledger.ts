/**
 * What became of the tickets that a run saw. It closes: seen = published + unchanged + filtered +
 * no public comments + gone + quarantined. `retracted` counts publications that took one back,
 * beside the outcome that was the reason.
 */
export interface Ledger {
  readonly seen: number
  readonly published: number
  readonly unchanged: number
  readonly filtered: number
  readonly noPublicComments: number
  readonly gone: number
  readonly quarantined: number
  readonly retracted: number
}

/** What became of hints that a run has ended. */
export interface HintOutcomes {
  readonly confirmed: number
  readonly fetched: number
  readonly moot: number
}

/** Whether any ticket got further than it was; repeated and set aside ones did not. */
export function hasNews({ seen, unchanged, quarantined }: Ledger): boolean {
  return seen > unchanged + quarantined
}

/** Tickets that were seen and came to no end, or below 0, to more than one; 0 where it closes. */
export function unaccounted(ledger: Ledger): number {
  const { seen, published, unchanged, filtered, noPublicComments, gone, quarantined } = ledger
  return seen - published - unchanged - filtered - noPublicComments - gone - quarantined
}
