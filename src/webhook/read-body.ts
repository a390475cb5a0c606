import type { IncomingMessage } from 'node:http'

export const MOST_BODY_BYTES = 1024 * 1024

/** What a sender goes on to send after we have had enough: read away, so that it sees our answer. */
const MOST_DISCARDED_BYTES = 8 * MOST_BODY_BYTES

/** All bodies that are not complete yet; what comes beyond has to come again. */
const MOST_HELD_BYTES = 64 * MOST_BODY_BYTES

export type Body = Buffer | 'too large' | 'broken off' | 'no room'

/** Reads the raw bytes of bodies, which a signature is made of, and keeps only so many of them. */
export class BodyReader {
  #heldBytes = 0
  readonly #unfinished = new Set<(body: Body) => void>()

  /** What is not complete by now has to come again. */
  giveUp(): void {
    for (const end of this.#unfinished) end('no room')
  }

  read(request: IncomingMessage): Promise<Body> {
    if (request.destroyed) return Promise.resolve('broken off')
    return new Promise((resolve) => {
      const chunks: Buffer[] = []
      let bytes = 0
      let discarded = 0
      let isOver = false
      const end = (body: Body): void => {
        if (isOver) return
        isOver = true
        this.#unfinished.delete(end)
        this.#heldBytes -= bytes
        chunks.length = 0
        resolve(body)
      }
      this.#unfinished.add(end)
      const isTooLarge = Number(request.headers['content-length'] ?? 0) > MOST_BODY_BYTES
      if (isTooLarge) end('too large')
      request.on('data', (chunk: Buffer) => {
        if (isOver) {
          discarded += chunk.length
          if (discarded > MOST_DISCARDED_BYTES) request.destroy()
          return
        }
        bytes += chunk.length
        this.#heldBytes += chunk.length
        chunks.push(chunk)
        if (bytes > MOST_BODY_BYTES) end('too large')
        else if (this.#heldBytes > MOST_HELD_BYTES) end('no room')
      })
      request.on('end', () => end(whole(chunks)))
      request.on('error', () => end('broken off'))
      request.on('close', () => end('broken off'))
    })
  }
}

function whole(chunks: readonly Buffer[]): Buffer {
  const [only] = chunks
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
}
