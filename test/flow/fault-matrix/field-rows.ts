import type { FaultKind } from '../../../src/simulator/faults/fault.ts'
import type { Mutation } from '../../../src/simulator/mutation/mutation.ts'
import { type Row, type Verdict, type Verdicts, bigTicket } from './cell.ts'

const nowhere: Verdicts = { export: null, comments: null, me: null, token: null }

const onExport = (verdict: Verdicts['export'] = 'zendesk_shape'): Verdicts => ({
  ...nowhere,
  export: verdict,
})
const onComments = (verdict: Verdicts['comments'] = 'zendesk_shape'): Verdicts => ({
  ...nowhere,
  comments: verdict,
})
const onMe: Verdicts = { ...nowhere, me: 'zendesk_shape' }
const onToken = (verdict: Verdict = 'zendesk_shape'): Verdicts => ({ ...nowhere, token: verdict })

const lacks = (field: string, verdicts: Verdicts, inside?: string): Row => ({
  name: `no ${field}`,
  fault: { kind: 'missing_field', field, ...(inside !== undefined && { inside }) },
  times: 1,
  verdicts,
})

const garbles = (field: string, value: unknown, verdicts: Verdicts, inside?: string): Row => ({
  name: `${field} ${JSON.stringify(value)}`,
  fault: { kind: 'set_field', field, value, ...(inside !== undefined && { inside }) },
  times: 1,
  verdicts,
})

/** A field that we need is not there, or holds something else: reading stops until a person looks. */
export const shapeRows: readonly Row[] = [
  lacks('tickets', onExport()),
  lacks('end_of_stream', onExport()),
  // At the end of the stream there may be none: the stored one stays.
  lacks('after_cursor', onExport(['zendesk_shape', 'zendesk_shape', 'same'])),
  lacks('id', onExport(), 'tickets'),
  lacks('generated_timestamp', onExport()),
  lacks('created_at', onExport()),
  lacks('updated_at', onExport()),
  lacks('status', onExport()),
  lacks('tags', onExport()),
  lacks('group_id', onExport()),
  lacks('subject', onExport('same')),
  garbles('generated_timestamp', 'soon', onExport()),
  // Milliseconds: the instant would lie so far ahead that no later change were ever news.
  garbles('generated_timestamp', 1_767_225_600_000, onExport()),
  garbles('updated_at', '31/12/2025', onExport()),
  garbles('status', null, onExport()),
  garbles('tags', 'vip', onExport()),
  garbles('end_of_stream', 'no', onExport()),
  garbles('tickets', {}, onExport()),
  lacks('comments', onComments()),
  lacks('users', onComments()),
  // A page that is not full needs no word on the next one.
  lacks('meta', onComments(['zendesk_shape', 'zendesk_shape', 'same'])),
  lacks('has_more', onComments()),
  lacks('after_cursor', onComments(['zendesk_shape', 'zendesk_shape', 'same'])),
  lacks('id', onComments(), 'comments'),
  lacks('public', onComments(), 'comments'),
  lacks('author_id', onComments(), 'comments'),
  lacks('created_at', onComments(), 'comments'),
  lacks('plain_body', onComments('same'), 'comments'),
  garbles('created_at', 'yesterday', onComments(), 'comments'),
  garbles('plain_body', 42, onComments(), 'comments'),
  garbles('has_more', 'perhaps', onComments()),
  garbles('comments', 'none', onComments()),
  lacks('user', onMe),
  lacks('id', onMe, 'user'),
  garbles('id', 'root', onMe, 'user'),
  // The token of nobody is one that was taken back: another one is asked for.
  garbles('id', null, { ...nowhere, me: 'same' }, 'user'),
  lacks('access_token', onToken()),
  lacks('refresh_token', onToken('refresh_token_missing')),
  lacks('expires_in', onToken('same')),
  lacks('refresh_token_expires_in', onToken('same')),
  lacks('scope', onToken('same')),
  garbles('access_token', 7, onToken()),
  garbles('access_token', '', onToken()),
  garbles('refresh_token', null, onToken('refresh_token_missing')),
  garbles('expires_in', 'soon', onToken()),
]

const ticketId = bigTicket(Number.POSITIVE_INFINITY)

/** What is done to a ticket between the page that names it and one of those with its comments. */
const mutations: readonly Mutation[] = [
  { kind: 'delete', ticketId },
  { kind: 'delete_permanently', ticketId },
  { kind: 'mark_as_spam', ticketId },
  { kind: 'make_private', ticketId, index: 0 },
  { kind: 'redact', ticketId, index: 0 },
  { kind: 'set_tags', ticketId, tags: ['vip'] },
  { kind: 'add_comment', ticketId },
  { kind: 'system_update', ticketId },
]

export const changeRows: readonly Row[] = mutations.map((mutation) => ({
  name: mutation.kind,
  fault: { kind: 'change', mutation } satisfies FaultKind,
  times: 1,
  verdicts: { ...nowhere, export: 'same', comments: 'same' },
}))
