import { type Renewal, claimRenewals } from '../credential/renewal-store.ts'
import { flagUnlessRenewed } from '../integration/refusal-store.ts'
import { ZendeskRefusedError } from '../platform/errors.ts'
import { housekeepingLog as log } from '../platform/log.ts'
import { workThrough } from '../platform/work-through.ts'
import { type RenewalDeps, renewOnce } from './renew-once.ts'

/** At once, in one worker: what is due at the same time, as after an outage, is spread out by this. */
const LANES = 2

/**
 * Keeps alive what nobody uses: a refresh token lapses after some weeks, and an integration that is
 * paused, or waits for a person to mend a role, would have to be connected again for nothing. In come
 * the refresh tokens that are half way to their end; out come new ones. A refusal flags the
 * integration as it would in a run; what passes is tried again in an hour.
 */
export async function renewTokensOnce(
  deps: RenewalDeps,
  signal: AbortSignal,
): Promise<{ renewed: number; refused: number; postponed: number }> {
  const counts = { renewed: 0, refused: 0, postponed: 0 }
  await workThrough({
    lanes: LANES,
    claim: async (room) => (signal.aborted ? [] : claimRenewals(deps.db, room)),
    work: async (renewal) => {
      counts[await renewOrFlag(deps, renewal, signal)] += 1
    },
  })
  return counts
}

async function renewOrFlag(
  deps: RenewalDeps,
  renewal: Renewal,
  signal: AbortSignal,
): Promise<'renewed' | 'refused' | 'postponed'> {
  const { integrationId } = renewal
  try {
    await renewOnce(deps, renewal, signal)
    return 'renewed'
  } catch (error) {
    log.warn({ integrationId, err: error }, 'token not renewed')
    if (!(error instanceof ZendeskRefusedError)) return 'postponed'
    const { integrationError: code, message } = error
    const refused = { id: integrationId, connectedAt: renewal.connectedAt }
    const isFlagged = await flagUnlessRenewed(deps.db, refused, { code, message })
    return isFlagged ? 'refused' : 'postponed'
  }
}
