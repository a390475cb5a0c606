import test from 'ava'
import type { Publication } from '../../src/demo/api.ts'
import { compare } from '../../src/demo/compare.ts'
import { bar } from '../../src/demo/progress.ts'

const PRIVATE = /priv_[0-9a-f]+/g
const expected = [
  {
    ticketId: 42,
    comments: [{ id: 1, publicToken: 'pub_1', role: 'customer', isAuthorMissing: false }],
  },
]

function aPublication(fields: Partial<Publication['transcript']> = {}): Publication {
  return {
    type: 'transcript.published',
    transcript: {
      id: 'zendesk:acme:42',
      revision: 1,
      ticket: { id: 42, subject: 'Help' },
      turns: [{ comment_id: 1, role: 'customer', text: 'Help, pub_1' }],
      text: 'Customer: Help, pub_1',
      ...fields,
    },
  }
}

test('what is exactly as expected has no difference', (t) => {
  t.deepEqual(compare(expected, [aPublication()], PRIVATE), {
    transcripts: 1,
    comments: 1,
    differences: [],
  })
})

const turn = { comment_id: 1, role: 'customer', text: 'pub_1' }
const faults: Record<string, [Publication[], RegExp]> = {
  'a missing transcript': [[], /ticket 42: not published/],
  'a transcript too many': [
    [aPublication(), aPublication({ ticket: { id: 43 } })],
    /ticket 43: must not be published/,
  ],
  'a second publication': [[aPublication(), aPublication()], /published twice/],
  'another revision': [[aPublication({ revision: 2 })], /revision 2 instead of 1/],
  'a retraction': [[{ ...aPublication(), type: 'transcript.retracted' }], /retracted/],
  'a missing comment': [[aPublication({ turns: [] })], /comment 1: not published/],
  'a comment too many': [
    [aPublication({ turns: [turn, { ...turn, comment_id: 2 }] })],
    /2 comments instead of 1/,
  ],
  'another role': [[aPublication({ turns: [{ ...turn, role: 'agent' }] })], /agent instead of/],
  'a cut text': [[aPublication({ turns: [{ ...turn, text: 'pub' }] })], /text is not complete/],
  'a private word': [[aPublication({ text: 'priv_00ff' })], /private text was published/],
}

for (const [what, [publications, difference]] of Object.entries(faults)) {
  test(`${what} is a difference`, (t) => {
    const { differences } = compare(expected, publications, PRIVATE)

    t.true(
      differences.some((line) => difference.test(line)),
      differences.join('\n'),
    )
  })
}

test('of an author whom the account forgot the role is not compared', (t) => {
  const forgotten = expected.map((transcript) => ({
    ...transcript,
    comments: transcript.comments.map((comment) => ({
      ...comment,
      role: 'agent',
      isAuthorMissing: true,
    })),
  }))

  t.deepEqual(compare(forgotten, [aPublication()], PRIVATE).differences, [])
})

test('the bar fills with the fraction', (t) => {
  t.is(bar(0), `[${'.'.repeat(40)}]   0 %`)
  t.is(bar(0.5), `[${'#'.repeat(20)}${'.'.repeat(20)}]  50 %`)
  t.is(bar(1), `[${'#'.repeat(40)}] 100 %`)
})
