import { z } from 'zod'
import type { SettingsChange, Workspace } from '../workspace/workspace.ts'

const LONGEST_LIST = 1_000

/** Zendesk's tags are shorter than this; text that Postgres cannot hold, or would hold as another, is refused. */
const Tag = z
  .string()
  .trim()
  .min(1, 'expected a tag')
  .max(255, 'expected at most 255 characters')
  .refine((tag) => !tag.includes('\0'), { error: 'expected no NUL character' })
  .refine((tag) => tag.isWellFormed(), { error: 'expected no half of a character' })
const Tags = z.array(Tag).max(LONGEST_LIST, `expected at most ${LONGEST_LIST} tags`)

/** A change of settings; what is absent stays as it is. */
export const WorkspaceBody = z.strictObject({
  plan: z.enum(['starter', 'pro', 'enterprise']).optional(),
  sync_day: z
    .enum(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'])
    .optional(),
  zendesk_include_tags: Tags.optional(),
  zendesk_exclude_tags: Tags.optional(),
  zendesk_include_group_ids: z
    .array(z.int('expected a whole number').positive('expected a number above 0'))
    .max(LONGEST_LIST, `expected at most ${LONGEST_LIST} groups`)
    .optional(),
  /** `null`: the service's own share. */
  quota_share: z.number().min(0.05).max(1).nullable().optional(),
  freshness: z.enum(['scheduled', 'prompt']).optional(),
})

export function toSettingsChange(body: z.infer<typeof WorkspaceBody>): SettingsChange {
  return {
    plan: body.plan,
    syncDay: body.sync_day,
    includeTags: body.zendesk_include_tags,
    excludeTags: body.zendesk_exclude_tags,
    includeGroupIds: body.zendesk_include_group_ids,
    quotaShare: body.quota_share,
    freshness: body.freshness,
  }
}

export function workspaceJson(workspace: Workspace) {
  const { id, plan, syncDay, filters, quotaShare, freshness, createdAt, updatedAt } = workspace
  return {
    id,
    plan,
    sync_day: syncDay,
    zendesk_include_tags: filters.includeTags,
    zendesk_exclude_tags: filters.excludeTags,
    zendesk_include_group_ids: filters.includeGroupIds,
    quota_share: quotaShare,
    freshness,
    created_at: createdAt.toISO(),
    updated_at: updatedAt.toISO(),
  }
}
