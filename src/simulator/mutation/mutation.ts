/** What people and Zendesk do to a ticket. Comments are named by their place in it. */
export type Mutation =
  | {
      readonly kind: 'add_comment'
      readonly ticketId: number
      readonly isPublic?: boolean
      /** `customer` is the requester. */
      readonly by?: 'customer' | 'agent' | 'system'
      readonly text?: string
      readonly hasAttachment?: boolean
    }
  | { readonly kind: 'make_private'; readonly ticketId: number; readonly index: number }
  /** Without `text` the whole comment but its token. */
  | {
      readonly kind: 'redact'
      readonly ticketId: number
      readonly index: number
      readonly text?: string
    }
  | { readonly kind: 'redact_attachment'; readonly ticketId: number; readonly index: number }
  | { readonly kind: 'set_tags'; readonly ticketId: number; readonly tags: readonly string[] }
  | {
      readonly kind: 'set_status'
      readonly ticketId: number
      readonly status: 'new' | 'open' | 'pending' | 'hold' | 'solved' | 'closed'
    }
  | { readonly kind: 'set_group'; readonly ticketId: number; readonly groupId: number | null }
  | { readonly kind: 'set_subject'; readonly ticketId: number; readonly subject: string }
  | { readonly kind: 'change_requester'; readonly ticketId: number; readonly userId: number }
  | { readonly kind: 'delete'; readonly ticketId: number }
  | { readonly kind: 'restore'; readonly ticketId: number }
  | { readonly kind: 'delete_permanently'; readonly ticketId: number }
  | { readonly kind: 'mark_as_spam'; readonly ticketId: number }
  | {
      readonly kind: 'merge'
      readonly ticketId: number
      readonly into: number
      readonly isPublic?: boolean
    }
  /** A reply to a closed ticket opens a new one. */
  | { readonly kind: 'follow_up'; readonly ticketId: number; readonly text?: string }
  | {
      readonly kind: 'create'
      readonly subject?: string
      readonly text?: string
      readonly isPublic?: boolean
      readonly tags?: readonly string[]
      readonly groupId?: number | null
    }
  /** No event and no `updated_at`: only the export shows the ticket again. */
  | { readonly kind: 'system_update'; readonly ticketId: number }
  /** `permanent` wipes the user; otherwise it stays readable and inactive. */
  | { readonly kind: 'delete_user'; readonly userId: number; readonly permanent?: boolean }
  /** The loser's tickets and comments become the winner's, and no ticket comes again. */
  | { readonly kind: 'merge_users'; readonly userId: number; readonly into: number }

export interface MutationResult {
  /** The ticket that changed, or the new one; null when only a user changed. */
  readonly ticketId: number | null
  /** The comment that was written or changed. */
  readonly index: number | null
  readonly generatedAt: number | null
}
