import type { DateTime } from 'luxon'
import type { OutboxEntryTable, SinkState } from '../../../db/schema.ts'
import type { SinkId, WorkspaceId } from '../../ids.ts'

export type PublicationType = OutboxEntryTable['type']

/** What the receiver of `SINK_URL` is called, in its row and in the address of a replay. */
export const ENVIRONMENT_SINK = 'http'

/** A receiver of publications over HTTP. */
export interface Sink extends SinkTerms {
  readonly workspaceId: WorkspaceId
  readonly sinkId: SinkId
  readonly url: string
  readonly state: SinkState
  readonly stateReason: string | null
  readonly stateSince: DateTime
  /** None of its attempts was taken since. */
  readonly failingSince: DateTime | null
  readonly heldUntil: DateTime | null
  readonly previousSecretUntil: DateTime | null
  readonly createdAt: DateTime
  readonly updatedAt: DateTime
}

/** What says which entries a sink gets. */
export interface SinkTerms {
  /** Under which its position and its deliveries are kept. */
  readonly name: string
  readonly types: readonly PublicationType[]
  /** Whether it gets a revision also when a newer one exists. */
  readonly allRevisions: boolean
}

/** Where to, and signed with what: the newest secret first. */
export interface Receiver {
  readonly url: string
  readonly secrets: readonly string[]
}

export interface SinkChange {
  readonly url?: string | undefined
  readonly secret?: string | undefined
  readonly types?: readonly PublicationType[] | undefined
  readonly allRevisions?: boolean | undefined
}
