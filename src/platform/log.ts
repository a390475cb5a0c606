import pino, { type Logger } from 'pino'

/**
 * JSON lines on standard output. What may not appear is not passed in the first place: loggers get
 * ids, counts, codes and messages of our own errors, never bodies, headers or whole rows.
 */
export const log: Logger = pino({
  level: 'info',
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
  serializers: { err: errorFields },
})

/**
 * An error as it may be logged: our own errors speak for themselves; of any other one the name, code
 * and stack frames stay, for its message can quote what it choked on (SQL values, a piece of JSON).
 */
export function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error }
  const own = 'remedy' in error
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return {
    type: error.name,
    ...('code' in error && { code: error.code }),
    ...('constraint' in error && { constraint: error.constraint }),
    ...(own && { message: error.message }),
    ...(!own && { stack: frames.slice(0, 12).map((line) => line.trim()) }),
    ...(error.cause !== undefined && { cause: errorFields(error.cause) }),
  }
}

export const webLog = log.child({ stage: 'web' })
export const webhookLog = log.child({ stage: 'webhook' })
export const connectLog = log.child({ stage: 'connect' })
export const zendeskLog = log.child({ stage: 'zendesk' })
export const scheduleLog = log.child({ stage: 'schedule' })
export const reconcileLog = log.child({ stage: 'reconcile' })
export const publishLog = log.child({ stage: 'publish' })
export const housekeepingLog = log.child({ stage: 'housekeeping' })
export const workerLog = log.child({ stage: 'worker' })

/** Sets the level of every logger; a child keeps the level that its parent had when it was made. */
export function setLogLevel(level: string): void {
  const loggers = [
    log,
    webLog,
    webhookLog,
    connectLog,
    zendeskLog,
    scheduleLog,
    reconcileLog,
    publishLog,
    workerLog,
    housekeepingLog,
  ]
  for (const logger of loggers) logger.level = level
}

/**
 * For what may happen thousands of times in a second: lets one line through in so many milliseconds,
 * and tells it how many were left out before.
 */
export function seldom(ms: number): (write: (leftOut: number) => void) => void {
  let lastAt = Number.NEGATIVE_INFINITY
  let leftOut = 0
  return (write) => {
    const now = performance.now()
    if (now - lastAt < ms) {
      leftOut += 1
      return
    }
    write(leftOut)
    lastAt = now
    leftOut = 0
  }
}
