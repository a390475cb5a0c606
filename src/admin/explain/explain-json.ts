import type { Integration } from '../../integration/integration.ts'
import type { TicketId } from '../../ids.ts'
import { type FilterRule, inScope } from '../../workspace/filter.ts'
import type { Workspace } from '../../workspace/workspace.ts'
import type {
  SeenDelivery,
  SeenHint,
  SeenRevision,
  SeenTicket,
  TicketFacts,
} from './explain-store.ts'

export interface Explained {
  readonly integration: Integration
  readonly workspace: Workspace
  readonly ticketId: TicketId
  readonly facts: TicketFacts
}

/** Why a ticket is published or is not, from what our rows know of it: no text, no name, no subject. */
export function explainJson({ integration, workspace, ticketId, facts }: Explained) {
  const { ticket, transcript, hints, revisions, deliveries } = facts
  const because = reasonsFor({ integration, workspace, ticketId, facts })
  return {
    integration_id: integration.id,
    ticket_id: ticketId,
    published: transcript?.state === 'live',
    because,
    last_seen: ticket === undefined ? null : ticketJson(ticket),
    filter: filterJson(workspace, ticket, integration),
    transcript: transcript === undefined ? null : transcriptJson(transcript, integration, ticketId),
    revisions: revisions.map((revision) => revisionJson(revision, deliveries)),
    hints: hints.map(hintJson),
  }
}

/** One sentence for each thing that a person should know, the most telling first. */
function reasonsFor({ integration, workspace, facts }: Explained): string[] {
  const { ticket, transcript, hints, revisions } = facts
  const pending = hints.filter(({ settledAt }) => settledAt === null).length
  const isOutdated = integration.filtersVersion !== workspace.filtersVersion
  return [
    ...outcomeReasons(ticket, revisions),
    ...(transcript?.state === 'live' ? [`revision ${transcript.revision} is published`] : []),
    ...(pending > 0 ? [`${pending} of its hints wait for a look`] : []),
    ...(isOutdated && ticket !== undefined
      ? ['the filters have changed and are applied to it by the next run']
      : []),
    ...(integration.status === 'active'
      ? []
      : [`the integration is ${integration.status}: nothing of it is read`]),
  ]
}

function outcomeReasons(
  ticket: SeenTicket | undefined,
  revisions: readonly SeenRevision[],
): string[] {
  if (ticket === undefined) return [unseenReason(revisions[0])]
  switch (ticket.outcome) {
    case 'published':
      return ['it is in scope and has public comments']
    case 'filtered':
      return ['the filters of the workspace kept it out when it was last settled']
    case 'no_public_comments':
      return ['it has no public comments']
    case 'gone':
      return ['Zendesk does not have it any more: it was deleted, marked as spam or merged']
    case 'quarantined':
      return [`it was set aside and is tried again by itself: ${ticket.reason ?? 'unknown'}`]
    default:
      return ticket.outcome satisfies never
  }
}

/** A ticket that was published has a row, unless a purge has erased it. */
function unseenReason(newest: SeenRevision | undefined): string {
  if (newest === undefined) return 'no run has seen it yet: only hints tell of it'
  return newest.reason === 'disconnected'
    ? 'it was taken back when the account was disconnected'
    : 'what was known of it was erased when the account was disconnected'
}

function ticketJson(ticket: SeenTicket) {
  return {
    generated_at: ticket.generatedAt.toISO(),
    updated_at: ticket.updatedAt.toISO(),
    settled_at: ticket.settledAt.toISO(),
    status: ticket.status,
    tags: ticket.tags,
    group_id: ticket.groupId,
    comment_count: ticket.commentCount,
    outcome: ticket.outcome,
    reason: ticket.reason,
    retry_at: ticket.retryAt?.toISO() ?? null,
  }
}

const words: Readonly<Record<FilterRule, string>> = {
  include_tags: 'it has none of the tags in zendesk_include_tags',
  exclude_tags: 'it has a tag of zendesk_exclude_tags',
  include_group_ids: 'its group is none of zendesk_include_group_ids',
}

/** The filters of now, held against what was last seen. */
function filterJson(
  { filters, filtersVersion }: Workspace,
  ticket: SeenTicket | undefined,
  integration: Integration,
) {
  const trace = ticket && inScope(filters, ticket)
  return {
    in_scope: trace?.inScope ?? null,
    rule: trace?.rule ?? null,
    why:
      trace === undefined
        ? null
        : trace.rule === null
          ? 'every filter lets it in'
          : words[trace.rule],
    applied: integration.filtersVersion === filtersVersion,
    zendesk_include_tags: filters.includeTags,
    zendesk_exclude_tags: filters.excludeTags,
    zendesk_include_group_ids: filters.includeGroupIds,
  }
}

function transcriptJson(
  { revision, state, contentHash, changedAt }: NonNullable<TicketFacts['transcript']>,
  { subdomain }: Integration,
  ticketId: TicketId,
) {
  return {
    id: `zendesk:${subdomain}:${ticketId}`,
    state,
    revision,
    content_hash: contentHash,
    changed_at: changedAt.toISO(),
  }
}

function revisionJson(revision: SeenRevision, deliveries: readonly SeenDelivery[]) {
  const { sequence } = revision
  return {
    revision: revision.revision,
    publication_id: revision.id,
    sequence: String(sequence),
    type: revision.type,
    reason: revision.reason,
    published_at: revision.publishedAt.toISO(),
    text_stored: revision.hasText,
    deliveries: deliveries.filter((it) => it.sequence === sequence).map(deliveryJson),
  }
}

function deliveryJson(delivery: SeenDelivery) {
  return {
    sink: delivery.sink,
    state: delivery.state,
    attempts: delivery.attempts,
    next_attempt_at: delivery.state === 'pending' ? delivery.nextAttemptAt.toISO() : null,
    outcome: delivery.outcome,
    settled_at: delivery.settledAt?.toISO() ?? null,
  }
}

function hintJson(hint: SeenHint) {
  return {
    type: hint.type,
    class: hint.class,
    occurred_at: hint.occurredAt.toISO(),
    received_at: hint.receivedAt.toISO(),
    looks: hint.looks,
    due_at: hint.settledAt === null ? hint.dueAt.toISO() : null,
    settled_at: hint.settledAt?.toISO() ?? null,
    outcome: hint.outcome,
  }
}
