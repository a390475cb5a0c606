import test from 'ava'
import { IntegrationId, TicketId, WorkspaceId } from '../../src/ids.ts'
import type { Entry } from '../../src/outbox/entry.ts'
import { toPublication } from '../../src/outbox/publication.ts'
import type { StoredTurn, Transcript } from '../../src/transcript/transcript.ts'
import { aTranscript, aTurn } from '../support/outbox-rows.ts'

const base = {
  id: 'pub_0123456789abcdef0123456789abcdef',
  sequence: 12,
  publishedAt: '2026-01-02T03:04:05Z',
  workspaceId: WorkspaceId.parse('w1'),
  integrationId: IntegrationId.parse('11111111-1111-4111-8111-111111111111'),
  subdomain: 'acme',
  ticketId: TicketId.parse(42),
  revision: 3,
}

function published(transcript: Transcript): Entry {
  return { ...base, type: 'transcript.published', contentHash: 'sha256:00', transcript }
}

const envelope = {
  id: 'pub_0123456789abcdef0123456789abcdef',
  sequence: '12',
  published_at: '2026-01-02T03:04:05Z',
  workspace_id: 'w1',
  integration_id: '11111111-1111-4111-8111-111111111111',
}

test('a published transcript goes out whole, in the shape of the interface', (t) => {
  const attachments = [{ file_name: 'a.png', content_type: 'image/png' }]
  const turns = [aTurn({ attachments }), aTurn({ comment_id: 912, role: 'agent', text: 'Sure.' })]

  const publication = toPublication(published(aTranscript(turns)))

  const { public: _first, author_id: _author, ...first } = aTurn({ attachments })
  const answer = aTurn({ comment_id: 912, role: 'agent', text: 'Sure.' })
  const { public: _second, author_id: _agent, ...second } = answer
  t.deepEqual(publication, {
    ...envelope,
    type: 'transcript.published',
    transcript: {
      id: 'zendesk:acme:42',
      schema_version: 1,
      revision: 3,
      content_hash: 'sha256:00',
      source: 'zendesk',
      ticket: {
        id: 42,
        url: 'https://acme.zendesk.com/agent/tickets/42',
        subject: 'Help',
        status: 'open',
        priority: null,
        type: null,
        tags: ['vip'],
        group_id: null,
        channel: 'email',
        created_at: '2026-01-01T10:00:00Z',
        updated_at: '2026-01-02T10:00:00Z',
      },
      turns: [first, second],
      text: 'Customer: It does not start.\n\nAgent: Sure.',
    },
  })
})

test('a retraction names the transcript and nothing of its text', (t) => {
  const publication = toPublication({ ...base, type: 'transcript.retracted', reason: 'deleted' })

  t.deepEqual(publication, {
    ...envelope,
    type: 'transcript.retracted',
    reason: 'deleted',
    transcript: { id: 'zendesk:acme:42', revision: 3, ticket: { id: 42 } },
  })
})

const rendersText = test.macro<[readonly Partial<StoredTurn>[], string]>({
  title: (_, __, text) => `the rendered text is ${JSON.stringify(text)}`,
  exec(t, turns, text) {
    const publication = toPublication(published(aTranscript(turns.map(aTurn))))

    t.is(publication.type === 'transcript.published' ? publication.transcript.text : '', text)
  },
})
test(rendersText, [], '')
test(rendersText, [{ role: 'system', text: 'Chat started' }], 'System: Chat started')
test(rendersText, [{ text: 'a\n\nb' }, { role: 'agent', text: '' }], 'Customer: a\n\nb\n\nAgent: ')

test('a field that is added to a stored turn does not go out by itself', (t) => {
  const turn = { ...aTurn(), author_name: 'Jane' }

  const text = JSON.stringify(toPublication(published(aTranscript([turn]))))

  t.false(text.includes('Jane'))
  t.false(text.includes('"public"'))
})
