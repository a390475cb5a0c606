import type { SimulatorOptions } from './options.ts'
import { startSimulator } from './start.ts'

/**
 * The simulator as a process of its own: `node src/simulator/main.ts '{"accounts":[…]}'`. The
 * options are those of `startSimulator`, `now` as an ISO instant. When it listens it prints one
 * line of JSON, and it ends with its standard input, so that it never outlives who started it:
 * keep a pipe open to it. SIGTERM and SIGINT end it as well.
 */
const simulator = await startSimulator(parseOptions(process.argv[2]))
const { url, urlTemplate, controlUrl } = simulator

const ended = new Promise<void>((resolve) => {
  process.stdin
    .on('end', resolve)
    .on('close', resolve)
    .on('error', () => resolve())
    .resume()
  process.once('SIGTERM', resolve).once('SIGINT', resolve)
})
process.stdout.write(`${JSON.stringify({ url, urlTemplate, controlUrl })}\n`)

await ended
process.stdin.destroy()
await simulator[Symbol.asyncDispose]()

function parseOptions(text: string | undefined): SimulatorOptions {
  if (text === undefined) return {}
  const { now, ...rest } = JSON.parse(text) as Omit<SimulatorOptions, 'now'> & { now?: string }
  return now === undefined ? rest : { ...rest, now: new Date(now) }
}
