import { z } from 'zod'

/**
 * A transcript as it is stored: the public conversation of one ticket. Of people it keeps roles and
 * numbers inside the transcript, never names or addresses. The shapes are those of the publication,
 * so that a reader of the table sees what a reader of the feed sees.
 */
export const Role = z.enum(['customer', 'agent', 'system'])
export type Role = z.infer<typeof Role>

export const StoredTurn = z.object({
  comment_id: z.int(),
  /** Carried from the answer of Zendesk into the row, where a CHECK refuses anything but `true`. */
  public: z.literal(true),
  /** Zendesk's number of who wrote it, by which later turns find their speaker; it is not published. */
  author_id: z.int().nullable(),
  role: Role,
  /** `customer-1`, `agent-2`: in order of first appearance. */
  speaker: z.string(),
  at: z.string(),
  text: z.string(),
  attachments: z.array(z.object({ file_name: z.string(), content_type: z.string().nullable() })),
})
export type StoredTurn = z.infer<typeof StoredTurn>

export const StoredTicket = z.object({
  subject: z.string().nullable(),
  status: z.string(),
  priority: z.string().nullable(),
  type: z.string().nullable(),
  tags: z.array(z.string()),
  group_id: z.int().nullable(),
  channel: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
})
export type StoredTicket = z.infer<typeof StoredTicket>

export interface Transcript {
  readonly ticket: StoredTicket
  readonly turns: readonly StoredTurn[]
}
