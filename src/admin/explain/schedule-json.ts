import type { DateTime } from 'luxon'
import { nextSlotAfter } from '../../workspace/calendar.ts'
import type { Workspace } from '../../workspace/workspace.ts'

const SLOTS = 5

/** When the workspace is synced next, and why then, in words. */
export function scheduleJson(workspace: Workspace, timeUtc: string, now: DateTime) {
  const { id, plan, syncDay, freshness } = workspace
  const slots: DateTime[] = []
  for (let last = now; slots.length < SLOTS;) {
    last = nextSlotAfter(workspace, timeUtc, last)
    slots.push(last)
  }
  return {
    workspace_id: id,
    plan,
    sync_day: syncDay,
    sync_time_utc: timeUtc,
    freshness,
    why: [rhythmOf(workspace, timeUtc), ...remarksOn(workspace)].join(' '),
    slots: slots.map((slot) => ({ at: slot.toISO(), why: whyThen(workspace, timeUtc, slot) })),
  }
}

function rhythmOf({ plan, syncDay }: Workspace, timeUtc: string): string {
  return plan === 'starter'
    ? `The starter plan has one slot a week: every ${nameOf(syncDay)} at ${timeUtc} UTC.`
    : `The ${plan} plan has one slot a day, at ${timeUtc} UTC.`
}

function remarksOn({ plan, freshness, scheduledSince }: Workspace): string[] {
  const since = scheduledSince.toISO()
  return [
    `This rhythm counts from ${since} on, when the plan or the day was last changed.`,
    ...(plan === 'starter' ? [] : ['The sync day concerns the starter plan only.']),
    freshness === 'prompt'
      ? 'Tickets that a webhook hints at are looked at within two minutes, between the slots.'
      : 'Tickets that a webhook hints at wait for the slot, unless words were taken back in them.',
    'Integrations that are paused or errored skip their slots and catch up with one sync.',
  ]
}

function whyThen({ plan, syncDay }: Workspace, timeUtc: string, slot: DateTime): string {
  const day = slot.setLocale('en').toFormat('cccc, d LLLL yyyy')
  return plan === 'starter'
    ? `${day}: a ${nameOf(syncDay)}, the sync day of this workspace, at ${timeUtc} UTC`
    : `${day}: every day on the ${plan} plan, at ${timeUtc} UTC`
}

function nameOf(day: string): string {
  return day.charAt(0).toUpperCase() + day.slice(1)
}
