/** What happened, in the words of the webhook event types; ticket events are made from it as well. */
export type Occurrence = {
  readonly ticketId: number
  readonly actorId: number
} & (
  | {
      readonly type:
        | 'created'
        | 'soft_deleted'
        | 'permanently_deleted'
        | 'undeleted'
        | 'marked_as_spam'
    }
  | {
      readonly type:
        | 'comment_added'
        | 'comment_made_private'
        | 'comment_redacted'
        | 'attachment_linked_to_comment'
        | 'attachment_redacted_from_comment'
      readonly index: number
    }
  | {
      readonly type: FieldChange
      readonly current: string | number | null
      readonly previous: string | number | null
    }
  | {
      readonly type: 'tags_changed'
      readonly added: readonly string[]
      readonly removed: readonly string[]
    }
  | { readonly type: 'merged'; readonly into: number }
)

export type FieldChange =
  | 'status_changed'
  | 'subject_changed'
  | 'requester_changed'
  | 'group_assignment_changed'
