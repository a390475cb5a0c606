import { type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type Koa from 'koa'
import { ConfigError } from '../errors.ts'

/** Requests under way get so long to end, within the grace of the whole process. */
const DRAIN_MS = 10_000

/** A request, which is a megabyte at most, has to be here by then. */
const REQUEST_MS = 30_000

/**
 * Longer than routers of platforms keep an idle connection (Heroku's: 90 s). Whoever closes it sooner
 * closes it upon a request that is on its way, which the sender sees as a 502; Zendesk does not send
 * a delivery again after that.
 */
const KEEP_ALIVE_MS = 95_000

/** How often connections that have gone quiet are closed while the server stops. */
const SWEEP_MS = 50

export interface Listening extends AsyncDisposable {
  readonly port: number
}

/**
 * Serves the application until it is disposed of; then lets the requests under way end. From the signal
 * on every answer asks the client to come back over another connection, which leads it elsewhere.
 */
export async function listen(
  app: Koa,
  { host, port }: { host: string; port: number },
  leaving: AbortSignal = new AbortController().signal,
): Promise<Listening> {
  const respond = app.callback()
  const unanswered = new Set<ServerResponse>()
  leaving.addEventListener('abort', () => unanswered.forEach(sendAway), { once: true })
  const limits = { requestTimeout: REQUEST_MS, keepAliveTimeout: KEEP_ALIVE_MS }
  const server = createServer(limits, (request, response) => {
    if (leaving.aborted) sendAway(response)
    unanswered.add(response)
    response.once('close', () => unanswered.delete(response))
    // Koa answers its own failures; nothing is left to wait for here.
    void respond(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(asConfigError(error, host, port)))
    server.listen(port, host, resolve)
  })

  const stop = (): Promise<void> => {
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
    const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
    return new Promise((resolve) => {
      server.close(() => {
        clearInterval(sweep)
        clearTimeout(cut)
        resolve()
      })
    })
  }
  // A server that listens on a host and port, not on a pipe, has an address of this form.
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: stop }
}

function sendAway(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
}

function asConfigError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new ConfigError([`PORT: ${port} is in use by another program`])
    case 'EACCES':
      return new ConfigError([`PORT: ${port} may not be opened by this user`])
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError([`HOST: ${host} is no address of this machine`])
    default:
      return error
  }
}
