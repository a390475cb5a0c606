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

/** What the filters look at in a ticket. */
export interface Filtered {
  readonly tags: readonly string[]
  readonly groupId: number | null
}

export function inScope(filters: Filters, ticket: Filtered): FilterTrace {
  return filterOf(filters)(ticket)
}

/** The same for many tickets: the lists are made ready once. */
export function filterOf(filters: Filters): (ticket: Filtered) => FilterTrace {
  const included = foldedSet(filters.includeTags)
  const excluded = foldedSet(filters.excludeTags)
  const groups = new Set(filters.includeGroupIds)
  return ({ tags, groupId }) => {
    if (included.size > 0 && !sharesTag(tags, included)) return keptOutBy('include_tags')
    if (sharesTag(tags, excluded)) return keptOutBy('exclude_tags')
    const inGroup = groupId !== null && groups.has(groupId)
    if (groups.size > 0 && !inGroup) return keptOutBy('include_group_ids')
    return { inScope: true, rule: null }
  }
}

function keptOutBy(rule: FilterRule): FilterTrace {
  return { inScope: false, rule }
}

function foldedSet(tags: readonly string[]): ReadonlySet<string> {
  return new Set(tags.map((tag) => tag.toLowerCase()))
}

function sharesTag(tags: readonly string[], folded: ReadonlySet<string>): boolean {
  return folded.size > 0 && tags.some((tag) => folded.has(tag.toLowerCase()))
}
