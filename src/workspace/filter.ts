/** Which tickets of an account a workspace wants. An empty include list asks for nothing. */
export interface Filters {
  readonly includeTags: readonly string[]
  readonly excludeTags: readonly string[]
  readonly includeGroupIds: readonly number[]
}

export type FilterRule = 'include_tags' | 'exclude_tags' | 'include_group_ids'

/** The verdict on one ticket; `rule` is the first one that keeps it out. */
export type FilterTrace =
  | { readonly inScope: true; readonly rule: null }
  | { readonly inScope: false; readonly rule: FilterRule }

export function inScope(
  filters: Filters,
  ticket: { readonly tags: readonly string[]; readonly groupId: number | null },
): FilterTrace {
  const { includeTags, excludeTags, includeGroupIds } = filters
  const { tags, groupId } = ticket
  if (includeTags.length > 0 && !sharesTag(tags, includeTags)) return keptOutBy('include_tags')
  if (sharesTag(tags, excludeTags)) return keptOutBy('exclude_tags')
  const inGroup = groupId !== null && includeGroupIds.includes(groupId)
  if (includeGroupIds.length > 0 && !inGroup) return keptOutBy('include_group_ids')
  return { inScope: true, rule: null }
}

function keptOutBy(rule: FilterRule): FilterTrace {
  return { inScope: false, rule }
}

function sharesTag(tags: readonly string[], wanted: readonly string[]): boolean {
  const folded = new Set(wanted.map((tag) => tag.toLowerCase()))
  return tags.some((tag) => folded.has(tag.toLowerCase()))
}
