import { type Socket, connect, createServer } from 'node:net'
import type { ExecutionContext } from 'ava'

/** What becomes of a statement: it passes, or the connection breaks right before or right after it. */
export type Fate = 'passes' | 'breaks before' | 'breaks after'

export interface ProxyHooks {
  /** Decides on a statement, the last of these, by it and those before it in its transaction. */
  readonly fateOf: (statements: readonly string[]) => Fate
  /** Called at the instant at which a connection has broken. */
  readonly onBreak?: () => void
}

export interface PostgresProxy {
  readonly url: string
  /** Breaks all connections and accepts none, until it is told otherwise. */
  readonly shut: (isShut: boolean) => void
  /** From now on nothing goes through and no connection ends, as when the machine behind it is gone. */
  readonly hush: () => void
  /** Of clients, open now. */
  readonly connections: () => number
}

/** Stands between clients and Postgres until the test ends. */
export async function startPostgresProxy(
  t: ExecutionContext,
  databaseUrl: string,
  hooks: ProxyHooks = { fateOf: () => 'passes' },
): Promise<PostgresProxy> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let refuses = false
  let isSilent = false
  const shut = (isShut: boolean): void => {
    refuses = isShut
    if (isShut) for (const socket of sockets) socket.destroy()
  }
  const server = createServer((client) => {
    if (refuses) return void client.destroy()
    const upstream = connect(Number(target.port || 5432), target.hostname)
    for (const socket of [client, upstream]) {
      // Statements are small, and each would wait for the answer to the one before it.
      socket.setNoDelay(true)
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    relay(client, upstream, { ...hooks, isSilent: () => isSilent })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    shut(true)
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String(address.port)
  const hush = (): void => {
    isSilent = true
  }
  return { url: url.href, shut, hush, connections: () => sockets.size / 2 }
}

interface RelayHooks extends ProxyHooks {
  readonly isSilent: () => boolean
}

function relay(client: Socket, upstream: Socket, hooks: RelayHooks): void {
  const { fateOf, onBreak, isSilent } = hooks
  const statements: string[] = []
  let isDoomed = false
  const breakUp = (): void => {
    client.destroy()
    upstream.destroy()
    onBreak?.()
  }
  const messages = messageReader((message, sql) => {
    if (isSilent()) return
    if (/^begin\b|^start transaction/i.test(sql)) statements.length = 0
    if (sql !== '') {
      statements.push(sql)
      const fate = fateOf(statements)
      if (fate === 'breaks before') return breakUp()
      isDoomed = fate === 'breaks after'
    }
    upstream.write(message)
  })
  client.on('data', messages)
  // The answer says that it is done.
  upstream.on('data', (data) => {
    if (isDoomed) breakUp()
    else if (!isSilent()) client.write(data)
  })
  client.on('close', () => upstream.destroy())
  upstream.on('close', () => client.destroy())
}

const QUERY = 'Q'.charCodeAt(0)
const PARSE = 'P'.charCodeAt(0)

/** Cuts what a client sends into messages, and names the statement of those that have one. */
function messageReader(onMessage: (message: Buffer, sql: string) => void) {
  let rest: Buffer = Buffer.alloc(0)
  let isStarted = false
  return (data: Buffer): void => {
    rest = Buffer.concat([rest, data])
    for (;;) {
      // The first message has no type before its length.
      const typeBytes = isStarted ? 1 : 0
      if (rest.length < typeBytes + 4) return
      const length = typeBytes + rest.readInt32BE(typeBytes)
      if (rest.length < length) return
      const message = rest.subarray(0, length)
      rest = rest.subarray(length)
      onMessage(message, isStarted ? statementOf(message) : '')
      isStarted = true
    }
  }
}

function statementOf(message: Buffer): string {
  const texts = message.toString('utf8', 5).split('\0')
  if (message[0] === QUERY) return texts[0] ?? ''
  return message[0] === PARSE ? (texts[1] ?? '') : ''
}
