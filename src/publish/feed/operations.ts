import { z } from 'zod'
import { PublicationJson, PublishedTranscriptJson } from '../../outbox/publication-schema.ts'
import type { Operation } from '../../platform/http/openapi/operation.ts'
import { FeedQuery, LiveQuery } from './query.ts'

const path = '/v1/workspaces/{workspace_id}/transcripts'

export const feedOperations: readonly Operation[] = [
  {
    id: 'readFeed',
    method: 'get',
    path,
    summary: 'Publications in the order of their sequence; by lines for application/x-ndjson',
    auth: 'read',
    query: FeedQuery,
    answers: {
      200: {
        'application/json': z.strictObject({
          data: z.array(PublicationJson),
          next: z.string(),
          has_more: z.boolean(),
        }),
        'application/x-ndjson': PublicationJson,
      },
    },
    errors: [400, 404, 410, 422, 503],
  },
  {
    id: 'readLiveTranscripts',
    method: 'get',
    path: `${path}/current`,
    summary:
      'The transcripts that are live, and where to go on in the feed; by lines for application/x-ndjson, with that place in x-feed-cursor',
    auth: 'read',
    query: LiveQuery,
    answers: {
      200: {
        'application/json': z.strictObject({
          data: z.array(PublishedTranscriptJson),
          next_cursor: z.string().nullable(),
          feed_cursor: z.string(),
        }),
        'application/x-ndjson': PublishedTranscriptJson,
      },
    },
    errors: [400, 404, 422, 503],
  },
]
