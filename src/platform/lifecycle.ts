import { AppError, DatabaseError } from './errors.ts'
import { log } from './log.ts'

/** Shorter than the 20 s that we promise, and the 30 s that platforms grant before they kill. */
const GRACE_MS = 19_000

/** What is open after everything has been closed is a connection whose other end does not answer. */
const LEFT_OPEN_MS = 1_000

/**
 * Runs an entry until it returns. The first SIGINT, SIGTERM or SIGHUP aborts its signal; what it opened is
 * closed in reverse by its own disposal stack, and stopping is no error, not even where the database is away.
 * Those that follow change nothing: npm passes a signal on that the platform has sent to each process itself.
 * An expected error is told in one line and ends the process with 1; any other one is a bug and keeps its stack.
 */
export async function runEntry(main: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController()
  const { signal } = controller
  const stop = (): void => {
    if (signal.aborted) return
    controller.abort(new Error('stopping'))
    setTimeout(() => {
      log.error('what was still open did not close in time')
      process.exit(1)
    }, GRACE_MS).unref()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop)
  try {
    await main(signal)
  } catch (error) {
    if (signal.aborted && (error === signal.reason || error instanceof DatabaseError)) return
    process.exitCode = 1
    if (error instanceof AppError) process.stderr.write(`${error.message}\n`)
    else log.fatal({ err: error }, 'the process ends after an unexpected error')
  } finally {
    if (signal.aborted) setTimeout(() => process.exit(), LEFT_OPEN_MS).unref()
  }
}

/** Waits for something to close, but only so long: who is at the other end may be gone. */
export async function within(ms: number, closing: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([closing, late]).finally(() => clearTimeout(timer))
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Waits, or less if the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
  })
}
