import { type FileHandle, open } from 'node:fs/promises'
import { SinkUnavailableError } from '../platform/errors.ts'

/**
 * Appends whole lines to a file, or to standard output if the path is `-`; returns when they are
 * flushed. One writer at a time: the caller holds a lock. A process that dies while it writes can
 * leave a line without its end; the next append cuts that piece off first, and as the position was
 * not committed either, the line is written again.
 */
export async function appendLines(path: string, lines: readonly string[]): Promise<void> {
  const text = lines.map((line) => `${line}\n`).join('')
  try {
    if (path === '-') await writeToStandardOutput(text)
    else await appendToFile(path, text)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw new SinkUnavailableError(`the file of SINK_FILE cannot be written (${code})`, {
      cause: error,
    })
  }
}

async function appendToFile(path: string, text: string): Promise<void> {
  await using file = await open(path, 'a+')
  const stat = await file.stat()
  if (stat.isFile()) await cutTornLine(file, stat.size)
  await file.appendFile(text)
  if (stat.isFile()) await file.datasync()
}

const CHUNK_BYTES = 65_536

/** Cuts off what stands after the last line end. */
async function cutTornLine(file: FileHandle, size: number): Promise<void> {
  if (size === 0 || (await endOfLastLine(file, size - 1, size)) === size) return
  let end = size
  while (end > 0) {
    const start = Math.max(0, end - CHUNK_BYTES)
    const lineEnd = await endOfLastLine(file, start, end)
    if (lineEnd !== undefined) return file.truncate(lineEnd)
    end = start
  }
  await file.truncate(0)
}

/** The place after the last line feed between two places. */
async function endOfLastLine(
  file: FileHandle,
  start: number,
  end: number,
): Promise<number | undefined> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start)
  const index = buffer.subarray(0, bytesRead).lastIndexOf('\n')
  return index === -1 ? undefined : start + index + 1
}

function writeToStandardOutput(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
  })
}
