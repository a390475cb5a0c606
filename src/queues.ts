/**
 * The timetable of the service. A job is only a wake-up: the row it names holds the work, so a job
 * that is lost, doubled or late costs a look at that row and nothing else. Hence no retries here:
 * a run keeps its own next instant (`resume_at`), and `enqueue-due-runs-once` wakes it again.
 */
export interface QueueDefinition {
  readonly name: string
  /** `short`: at most one queued job a key, however many are active; the lease row keeps runs apart. */
  readonly policy: 'short'
  readonly expireInSeconds: number
  readonly retryLimit: number
}

/** Job data: `{ integrationId }`, which is the singleton key as well. */
export const runQueue = {
  name: 'run',
  policy: 'short',
  expireInSeconds: 900,
  retryLimit: 0,
} as const satisfies QueueDefinition

export const queues: readonly QueueDefinition[] = [runQueue]
