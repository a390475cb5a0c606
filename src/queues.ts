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

/**
 * The same for runs of hints, besides the queue above: one reader of each worker takes nothing else, so
 * that what takes words back does not wait for the imports of other accounts.
 */
export const hintsQueue = {
  name: 'hints',
  policy: 'short',
  expireInSeconds: 900,
  retryLimit: 0,
} as const satisfies QueueDefinition

/** Wakes the pass that turns due slots into runs, which finds in the rows what there is to do. */
export const scheduleQueue = {
  name: 'schedule',
  policy: 'short',
  expireInSeconds: 300,
  retryLimit: 0,
} as const satisfies QueueDefinition

/** When the schedule queue gets its job, in UTC: daily, for every day is the day of some workspace. */
export function scheduleCron(syncTimeUtc: string): string {
  const [hour, minute] = syncTimeUtc.split(':').map(Number)
  return `${minute} ${hour} * * *`
}

export const queues: readonly QueueDefinition[] = [runQueue, hintsQueue, scheduleQueue]
