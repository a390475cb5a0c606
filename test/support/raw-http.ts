import { type Socket, connect } from 'node:net'

/** What came back for a request: a status, or that the connection ended without one. */
export type RawAnswer = number | 'closed' | 'none'

/** An answer that does not come at all. */
const LONGEST_WAIT_MS = 60_000

export interface RawOptions {
  /** Nothing follows these bytes, whatever they announce. */
  readonly isLast?: boolean | undefined
}

/**
 * A connection, of which nock must know nothing, to which any bytes can be sent, also such that are no HTTP. It opens a new one when the
 * server has ended the last; one answer at a time.
 */
export class RawConnection {
  readonly #port: number
  #socket: Socket | undefined
  #received = ''
  #wake: () => void = () => {}
  /** Everything that was answered by this connection. */
  text = ''

  constructor(port: number) {
    this.#port = port
  }

  async send(request: Buffer, { isLast = false }: RawOptions = {}): Promise<RawAnswer> {
    const socket = await this.#open()
    this.#received = ''
    if (isLast) socket.end(request)
    else socket.write(request)
    const answer = await this.#answer(socket)
    if (isLast) socket.destroy()
    return answer
  }

  close(): void {
    this.#socket?.destroy()
  }

  async #open(): Promise<Socket> {
    if (this.#socket !== undefined && this.#socket.writable) return this.#socket
    this.#socket?.destroy()
    const socket = connect(this.#port, '127.0.0.1').setNoDelay(true)
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#received += text
      this.#wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => this.#wake())
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return socket
  }

  async #answer(socket: Socket): Promise<RawAnswer> {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      socket.destroy()
    }, LONGEST_WAIT_MS)
    try {
      return await this.#read(socket, () => isLate)
    } finally {
      clearTimeout(timer)
    }
  }

  async #read(socket: Socket, isLate: () => boolean): Promise<RawAnswer> {
    for (;;) {
      const answer = wholeAnswer(this.#received)
      if (answer !== undefined) {
        this.text = this.#received
        if (/^connection: close/im.test(this.#received)) socket.destroy()
        return answer
      }
      if (socket.closed) return isLate() ? 'none' : 'closed'
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

function wholeAnswer(text: string): number | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const status = Number(text.slice(9, 12))
  if (status === 100) return wholeAnswer(text.slice(end + 4))
  const length = Number(/^content-length: (\d+)/im.exec(text.slice(0, end))?.[1] ?? 0)
  return text.length >= end + 4 + length ? status : undefined
}

/** The bytes of a request with these headers. */
export function rawRequest(
  path: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  method = 'POST',
): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const head = [`${method} ${path} HTTP/1.1`, 'host: 127.0.0.1', ...lines, '', ''].join('\r\n')
  return Buffer.concat([Buffer.from(head, 'latin1'), body])
}
