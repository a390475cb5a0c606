import type { IntegrationId } from '../../ids.ts'

/** Requests sent for each integration since they were last taken, by family. */
export class RequestCounts {
  readonly #counts = new Map<IntegrationId, Record<string, number>>()

  add(integrationId: IntegrationId, family: string): void {
    const counts = this.#counts.get(integrationId) ?? {}
    counts[family] = (counts[family] ?? 0) + 1
    this.#counts.set(integrationId, counts)
  }

  take(integrationId: IntegrationId): Record<string, number> {
    const counts = this.#counts.get(integrationId) ?? {}
    this.#counts.delete(integrationId)
    return counts
  }
}
