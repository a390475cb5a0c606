import type { DateTime } from 'luxon'
import type { Freshness, Plan, SyncDay } from '../../db/schema.ts'
import type { WorkspaceId } from '../ids.ts'
import type { SlotHistory } from './calendar.ts'
import type { Filters } from './filter.ts'

/** A customer of ours: the plan and the settings that say what is read, how often and how fast. */
export interface Workspace extends Settings, SlotHistory {
  readonly id: WorkspaceId
  /** Counts up with each change of the filters. */
  readonly filtersVersion: number
  readonly createdAt: DateTime
  readonly updatedAt: DateTime
}

export interface Settings {
  readonly plan: Plan
  readonly syncDay: SyncDay
  readonly filters: Filters
  /** `null`: the share that the service is configured with. */
  readonly quotaShare: number | null
  readonly freshness: Freshness
}

export type SettingsChange = {
  readonly [Name in Exclude<keyof Settings, 'filters'>]?: Settings[Name] | undefined
} & { readonly [Name in keyof Filters]?: Filters[Name] | undefined }

/**
 * The settings after a change, which names only what it changes. Prompt freshness belongs to pro
 * and enterprise: asked for on starter it is `refused`; a move to starter that does not mention it
 * falls back to `scheduled`, for a change of plan must not fail on a setting that nobody touched.
 */
export function changeSettings(current: Settings, change: SettingsChange): Settings | 'refused' {
  const plan = change.plan ?? current.plan
  if (plan === 'starter' && change.freshness === 'prompt') return 'refused'
  return {
    plan,
    syncDay: change.syncDay ?? current.syncDay,
    filters: {
      includeTags: change.includeTags ?? current.filters.includeTags,
      excludeTags: change.excludeTags ?? current.filters.excludeTags,
      includeGroupIds: change.includeGroupIds ?? current.filters.includeGroupIds,
    },
    quotaShare: change.quotaShare === undefined ? current.quotaShare : change.quotaShare,
    freshness: plan === 'starter' ? 'scheduled' : (change.freshness ?? current.freshness),
  }
}
