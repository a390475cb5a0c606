import type { TicketId } from '../../ids.ts'
import { TicketUnreadableError, ZendeskUnavailableError } from '../../platform/errors.ts'
import { findReadTicket } from '../../ticket/store.ts'
import type { ExportedTicket } from '../../zendesk/types.ts'
import type { Pass, PassDeps } from '../store-tickets-once.ts'

/** Attempts in a row after which a ticket is set aside that Zendesk cannot show while it shows others. */
const PATIENT_ATTEMPTS = 3
/** The same where there is no other ticket to compare with: some twenty minutes, longer than most outages. */
const LONELY_ATTEMPTS = 10

/**
 * Why a ticket whose comments could not be read is set aside, or undefined if it is not to blame. One
 * ticket that Zendesk cannot show must not hold up the account, and an outage must not cost a
 * ticket. That it is the ticket and not Zendesk shows when a run comes back to it again and again,
 * and another ticket can be read right after it could not.
 */
export async function reasonToSetAside(
  deps: PassDeps,
  pass: Pass,
  suspect: Suspect,
  error: unknown,
): Promise<string | undefined> {
  if (error instanceof TicketUnreadableError) return error.message
  if (!(error instanceof ZendeskUnavailableError)) return undefined
  return (await isAlone(deps, pass, suspect)) ? error.message : undefined
}

/** A ticket that could not be read, and those that stood beside it. */
interface Suspect {
  readonly ticket: ExportedTicket
  readonly among: readonly ExportedTicket[]
}

async function isAlone(
  { db, zendesk }: PassDeps,
  { run, account, signal }: Pass,
  suspect: Suspect,
): Promise<boolean> {
  if (run.attempts < PATIENT_ATTEMPTS) return false
  const other =
    (await findReadTicket(db, run.integrationId, suspect.ticket.id)) ?? neighbourOf(suspect)
  if (other === undefined) return run.attempts >= LONELY_ATTEMPTS
  try {
    await zendesk.listComments(account, other, { signal })
    return true
  } catch (error) {
    // Whether Zendesk refused that one or somebody in between answered, the ticket is not shown to be alone.
    if (error instanceof ZendeskUnavailableError || error instanceof TicketUnreadableError) {
      return false
    }
    throw error
  }
}

/** Before any ticket was read, another one to try: if it cannot be read either, it is an outage. */
function neighbourOf({ ticket, among }: Suspect): TicketId | undefined {
  return among.find(({ id, status }) => id !== ticket.id && status !== 'deleted')?.id
}

/**
 * Tickets that Zendesk refuses to show are set aside, unless the user of the token has lost the
 * rights and it refuses them all: the cursor must not move past those. The export tells.
 */
export async function assertExportAllowed(
  { zendesk }: PassDeps,
  { account, signal }: Pass,
): Promise<void> {
  await zendesk.exportTickets(account, { startAt: new Date() }, { pageSize: 1, signal })
}
