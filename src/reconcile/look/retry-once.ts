import { findTicketsToRetry } from '../../ticket/store.ts'
import { SHOWN_AT_ONCE } from '../../zendesk/answers/shown-tickets.ts'
import type { Pass, PassDeps } from '../store-tickets-once.ts'
import { lookOnce } from './look-once.ts'

/**
 * Looks again at tickets that were set aside and whose next try has come. What cannot be read this
 * time either is set aside again with a later instant, so that this comes to an end.
 */
export async function retryOnce(deps: PassDeps, pass: Pass): Promise<'more' | 'none'> {
  const ticketIds = await findTicketsToRetry(deps.db, pass.integration.id, SHOWN_AT_ONCE)
  if (ticketIds.length === 0) return 'none'
  await lookOnce(deps, pass, { ticketIds })
  return 'more'
}
