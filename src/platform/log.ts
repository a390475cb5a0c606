import { AsyncLocalStorage } from 'node:async_hooks'
import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino'
import { redacted } from './terminal/redacted.ts'
import { readableLine } from './terminal/log-line.ts'

const request = new AsyncLocalStorage<{ readonly requestId: string }>()

/** Whatever is logged until the work has ended tells the request that it belongs to. */
export function withRequestId<T>(requestId: string, work: () => T): T {
  return request.run({ requestId }, work)
}

/**
 * JSON lines on standard output, one a pass or request; to a person at a terminal, lines to read. What
 * may not appear is not passed in the first place: loggers get ids, counts, codes and messages of our
 * own errors, never bodies, headers or whole rows; and what looks like a secret is struck out here.
 */
export const log: Logger = makeLog(
  process.stdout.isTTY ? { write: (line) => process.stdout.write(readableLine(line)) } : undefined,
)

/** The logger, writing to somewhere else than standard output if that is given. */
export function makeLog(destination?: DestinationStream): Logger {
  const options: LoggerOptions = {
    level: 'info',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: redacted },
    serializers: { err: errorFields },
    mixin: () => request.getStore() ?? {},
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}

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
