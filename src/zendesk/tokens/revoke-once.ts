import type { Call, Outcome } from '../call-once.ts'
import { isWithoutToken, readRevocation, readTokenId } from './identity.ts'

type Ask = (call: Pick<Call, 'path' | 'method'>) => Promise<Outcome>

/** Takes the token that the requests go out with back at Zendesk, unless it is refused already. */
export async function revokeOnce(ask: Ask): Promise<void> {
  try {
    const id = readTokenId(await ask({ path: () => '/api/v2/oauth/tokens/current.json' }))
    // By id: the form without one has been seen to answer 204 and to revoke nothing.
    const path = (): string => `/api/v2/oauth/tokens/${id}.json`
    readRevocation(await ask({ method: 'DELETE', path }))
  } catch (error) {
    if (!isWithoutToken(error)) throw error
  }
}
