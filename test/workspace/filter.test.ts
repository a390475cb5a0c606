import test from 'ava'
import { type Filters, type FilterRule, inScope } from '../../src/workspace/filter.ts'

const verdict = test.macro({
  title: (title) => title ?? '',
  exec: (
    t,
    filters: Partial<Filters>,
    ticket: { tags: string[]; groupId: number | null },
    rule: FilterRule | null,
  ) => {
    const all = { includeTags: [], excludeTags: [], includeGroupIds: [], ...filters }
    const trace = inScope(all, ticket)
    t.is(trace.rule, rule)
    t.is(trace.inScope, rule === null)
  },
})

const plain = { tags: ['vip', 'beta'], groupId: 7 }
const bare = { tags: [], groupId: null }

test('without filters every ticket is in scope', verdict, {}, bare, null)
test(
  'a ticket with an included tag is in scope',
  verdict,
  { includeTags: ['x', 'vip'] },
  plain,
  null,
)
test(
  'a ticket without any included tag is out',
  verdict,
  { includeTags: ['x'] },
  plain,
  'include_tags',
)
test(
  'a ticket without tags is out where tags are asked for',
  verdict,
  { includeTags: ['x'] },
  bare,
  'include_tags',
)
test('included tags compare without regard to case', verdict, { includeTags: ['VIP'] }, plain, null)
test(
  'the tags of a ticket compare without regard to case',
  verdict,
  { includeTags: ['vip'] },
  { tags: ['Vip'], groupId: null },
  null,
)
test('a part of a tag is no tag', verdict, { includeTags: ['vi'] }, plain, 'include_tags')
test(
  'a ticket with an excluded tag is out',
  verdict,
  { excludeTags: ['beta'] },
  plain,
  'exclude_tags',
)
test(
  'excluded tags compare without regard to case',
  verdict,
  { excludeTags: ['BETA'] },
  plain,
  'exclude_tags',
)
test(
  'a ticket without tags passes the excluded ones',
  verdict,
  { excludeTags: ['beta'] },
  bare,
  null,
)
test(
  'an excluded tag outweighs an included one',
  verdict,
  { includeTags: ['vip'], excludeTags: ['beta'] },
  plain,
  'exclude_tags',
)
test('a ticket of an included group is in scope', verdict, { includeGroupIds: [1, 7] }, plain, null)
test(
  'a ticket of another group is out',
  verdict,
  { includeGroupIds: [1] },
  plain,
  'include_group_ids',
)
test(
  'a ticket without group is out where groups are asked for',
  verdict,
  { includeGroupIds: [1] },
  bare,
  'include_group_ids',
)
test(
  'the first rule that keeps a ticket out is named',
  verdict,
  { includeTags: ['x'], includeGroupIds: [1] },
  plain,
  'include_tags',
)
test(
  'tag and group must both fit',
  verdict,
  { includeTags: ['vip'], includeGroupIds: [7] },
  plain,
  null,
)
