import type { IntegrationId } from '../../ids.ts'

/** Requests of one limit family that ended alike; status 0: without a whole answer. */
export interface RequestCount {
  readonly family: string
  readonly status: number
  readonly requests: number
}

/** Requests sent for each integration since they were last taken. */
export class RequestCounts {
  readonly #counts = new Map<IntegrationId, Map<string, RequestCount>>()

  add(integrationId: IntegrationId, family: string, status: number, requests = 1): void {
    const counts = this.#counts.get(integrationId) ?? new Map<string, RequestCount>()
    const key = `${family} ${status}`
    const before = counts.get(key)?.requests ?? 0
    counts.set(key, { family, status, requests: before + requests })
    this.#counts.set(integrationId, counts)
  }

  take(integrationId: IntegrationId): readonly RequestCount[] {
    const counts = this.#counts.get(integrationId)
    this.#counts.delete(integrationId)
    return [...(counts?.values() ?? [])]
  }

  /** Those of whom anything was counted. */
  integrations(): IntegrationId[] {
    return [...this.#counts.keys()]
  }
}

/** The sum over all statuses. */
export function byFamily(counts: readonly RequestCount[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { family, requests } of counts) sums[family] = (sums[family] ?? 0) + requests
  return sums
}
