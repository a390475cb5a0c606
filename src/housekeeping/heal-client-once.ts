import { claimRejected } from '../credential/renewal-store.ts'
import { flagUnlessRenewed } from '../integration/refusal-store.ts'
import { ZendeskRefusedError } from '../platform/errors.ts'
import { housekeepingLog as log } from '../platform/log.ts'
import { type RenewalDeps, renewOnce } from './renew-once.ts'

/** So many failures in a row, and the client is taken for rejected as before. */
const MOST_FAILURES = 3

/**
 * Finds out whether the OAuth client that Zendesk has rejected is accepted again, which it is after
 * the configuration was put right: tries integrations that stand still for it, one at a time, and
 * goes on as long as that works. A rejected request uses no token up.
 */
export async function healClientOnce(
  deps: RenewalDeps,
  signal: AbortSignal,
): Promise<{ healed: number; refused: number }> {
  const counts = { healed: 0, refused: 0 }
  let failures = 0
  while (failures < MOST_FAILURES && !signal.aborted) {
    const renewal = await claimRejected(deps.db)
    if (renewal === undefined) break
    const { integrationId, connectedAt } = renewal
    try {
      if (await renewOnce(deps, renewal, signal)) counts.healed += 1
      failures = 0
    } catch (error) {
      log.warn({ integrationId, err: error }, 'token not renewed')
      counts.refused += 1
      failures += 1
      if (!(error instanceof ZendeskRefusedError)) continue
      const { integrationError: code, message } = error
      // That the client is rejected here is known, and says nothing new about the other ones.
      if (code === 'client_rejected') continue
      await flagUnlessRenewed(deps.db, { id: integrationId, connectedAt }, { code, message })
    }
  }
  return counts
}
