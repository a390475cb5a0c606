import { AppError } from './errors.ts'
import { log } from './log.ts'

/** Shorter than the 30 s that platforms grant between SIGTERM and SIGKILL. */
const GRACE_MS = 20_000

/**
 * Runs an entry until it returns. The first SIGINT, SIGTERM or SIGHUP aborts its signal; what it opened is
 * closed in reverse by its own disposal stack, and stopping is no error. An expected error is told in one line and ends the
 * process with 1; any other one is a bug and keeps its stack.
 */
export async function runEntry(main: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController()
  const stop = (): void => {
    controller.abort(new Error('stopping'))
    setTimeout(() => {
      log.error('what was still open did not close in time')
      process.exit(1)
    }, GRACE_MS).unref()
  }
  process.once('SIGINT', stop).once('SIGTERM', stop).once('SIGHUP', stop)
  try {
    await main(controller.signal)
  } catch (error) {
    if (error === controller.signal.reason) return
    process.exitCode = 1
    if (error instanceof AppError) process.stderr.write(`${error.message}\n`)
    else log.fatal({ err: error }, 'the process ends after an unexpected error')
  }
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
