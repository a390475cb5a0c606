/** Answers of Zendesk's API as they look, with the fields that a real account sends. */

type Json = Record<string, unknown>

export const EXPORT = '/api/v2/incremental/tickets/cursor.json'
export const COMMENTS = '/api/v2/tickets/42/comments.json'

/** What a proxy in front of Zendesk answers. */
export const HTML = '<!doctype html><title>Bad gateway</title>'

export const invalidToken = { error: 'invalid_token', error_description: 'expired, revoked' }

/** An answer of the token endpoint. */
export function pairJson(number: number): Json {
  return {
    access_token: `access-${number}`,
    refresh_token: `refresh-${number}`,
    token_type: 'bearer',
    scope: 'read',
    expires_in: 86_400,
    refresh_token_expires_in: 2_592_000,
  }
}

/** A request that nock only takes with this token. */
export function bearer(token: string) {
  return { reqheaders: { authorization: `Bearer ${token}` } }
}

export function ticketJson(fields: Json = {}): Json {
  return {
    url: 'https://acme.zendesk.com/api/v2/tickets/42.json',
    id: 42,
    encoded_id: 'ABC-123',
    external_id: null,
    via: {
      channel: 'email',
      source: { from: { address: 'c@example.com', name: 'C' }, to: {}, rel: null },
    },
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-02T00:00:00Z',
    type: null,
    subject: 'It fails',
    raw_subject: 'It fails',
    description: 'DESCRIPTION-SECRET',
    priority: null,
    status: 'open',
    recipient: null,
    requester_id: 6130907993114,
    submitter_id: 6130907993114,
    assignee_id: null,
    organization_id: null,
    group_id: null,
    collaborator_ids: [],
    is_public: true,
    due_at: null,
    tags: ['billing'],
    custom_fields: [{ id: 1, value: 'CUSTOM-SECRET' }],
    satisfaction_rating: null,
    custom_status_id: 9,
    fields: [],
    ticket_form_id: 3,
    brand_id: 1,
    allow_channelback: false,
    from_messaging_channel: false,
    support_type: 'agent',
    generated_timestamp: 1767312005,
    ...fields,
  }
}

export function exportJson(fields: Json = {}): Json {
  return {
    tickets: [ticketJson()],
    after_url: 'https://elsewhere.example/api/v2/incremental/tickets/cursor.json?cursor=next',
    after_cursor: 'next',
    before_url: null,
    before_cursor: null,
    end_of_stream: false,
    ...fields,
  }
}

export function commentJson(fields: Json = {}): Json {
  return {
    id: 911,
    type: 'Comment',
    author_id: 7,
    body: 'Hello **there**',
    html_body: '<div class="zd-comment" dir="auto"><p dir="auto">Hello <b>there</b></p></div>',
    plain_body: 'Hello there',
    public: true,
    attachments: [],
    audit_id: 910,
    via: {
      channel: 'email',
      source: { from: { address: 'VIA-SECRET@example.com', name: 'C' }, to: {}, rel: null },
    },
    created_at: '2026-01-01T00:00:00Z',
    metadata: { system: { ip_address: '203.0.113.9', location: 'LOCATION-SECRET' }, custom: {} },
    ...fields,
  }
}

export function privateCommentJson(fields: Json = {}): Json {
  return commentJson({
    id: 912,
    public: false,
    body: 'PRIVATE-SECRET',
    html_body: '<p>PRIVATE-SECRET</p>',
    plain_body: 'PRIVATE-SECRET',
    ...fields,
  })
}

export function userJson(fields: Json = {}): Json {
  return {
    id: 7,
    name: 'NAME-SECRET',
    email: 'EMAIL-SECRET@example.com',
    role: 'end-user',
    active: true,
    ...fields,
  }
}

/** The last page in cursor form: `after_cursor` and the links are there all the same. */
export function commentsJson(comments: readonly Json[], fields: Json = {}): Json {
  return {
    comments,
    users: [userJson(), userJson({ id: 8, role: 'agent' }), userJson({ id: 9, role: 'admin' })],
    meta: { has_more: false, after_cursor: 'after', before_cursor: 'before' },
    links: { prev: null, next: 'https://elsewhere.example/next' },
    ...fields,
  }
}
