import type { Account } from './account.ts'
import type { Change } from './mutation/change.ts'
import { applyUserEffect } from './mutation/change.ts'
import type { Mutation, MutationResult } from './mutation/mutation.ts'
import { mutate } from './mutation/mutate.ts'
import { ticketEvent } from './delivery/payload.ts'
import { prettyJson } from './delivery/sign.ts'
import type { Message } from './webhooks/webhooks.ts'

/**
 * Applies one mutation: tickets move in the export, events and webhooks tell of it. The webhooks
 * go out behind the change and are not waited for, unless the account is set to send them before
 * REST shows anything.
 */
export async function changeAccount(account: Account, mutation: Mutation): Promise<MutationResult> {
  const now = account.clock.now()
  const change = mutate(account.tickets, mutation, Math.floor(now / 1000))
  const messages = messagesOf(account, change, now)
  if (account.settings.webhooks.early) await account.webhooks.publish(account.settings, messages)
  apply(account, change, Math.floor(now / 1000))
  if (!account.settings.webhooks.early) void account.webhooks.publish(account.settings, messages)
  return change.result
}

function apply(account: Account, change: Change, seconds: number): void {
  const { tickets, laterEvents } = account
  for (const ticket of change.tickets) tickets.overlay.put(ticket)
  if (change.user !== null) applyUserEffect(tickets.users, change.user)
  laterEvents.add(change.occurrences, seconds)
}

/** The events in the state after the change, for accounts where somebody listens. */
function messagesOf(account: Account, change: Change, nowMs: number): readonly Message[] {
  const { tickets, webhooks } = account
  if (webhooks.list().length === 0) return []
  const changed = new Map(change.tickets.map((ticket) => [ticket.id, ticket]))
  return change.occurrences.flatMap((occurrence) => {
    const ticket = changed.get(occurrence.ticketId)
    if (ticket === undefined) return []
    const frame = { sequence: webhooks.nextSequence(), nowMs }
    const body = prettyJson(ticketEvent(tickets, ticket, occurrence, frame))
    return [{ type: `zen:event-type:ticket.${occurrence.type}`, body }]
  })
}
