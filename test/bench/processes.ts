import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import path from 'node:path'

const root = path.join(import.meta.dirname, '..', '..')

export interface BenchProcess extends AsyncDisposable {
  readonly child: ChildProcess
  /** The first line of its output. */
  readonly firstLine: Promise<string>
  readonly exited: Promise<number | null>
  /** The largest resident set seen so far, in bytes. */
  readonly peakRss: () => number
}

/** Starts one of our TypeScript files as a process and watches its memory; disposing ends it. */
export function startProcess(
  file: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): BenchProcess {
  const child = spawn(process.execPath, [path.join(root, file), ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let peak = 0
  const sampling = setInterval(() => {
    peak = Math.max(peak, residentBytes(child.pid))
  }, 250)
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  void exited.then(() => clearInterval(sampling))
  return {
    child,
    firstLine: firstLine(child),
    exited,
    peakRss: () => peak,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = ''
  child.stdout?.setEncoding('utf8')
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk: string) => {
      text += chunk
      const end = text.indexOf('\n')
      if (end >= 0) resolve(text.slice(0, end))
    })
    child.once('exit', (code) => reject(new Error(`ended with ${code} before its first line`)))
  })
}

function residentBytes(pid: number | undefined): number {
  if (pid === undefined) return 0
  try {
    return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)]).toString()) * 1024
  } catch {
    // It has ended between two looks.
    return 0
  }
}
