import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import { isPublicAddress } from '../net/public-address.ts'

/** A person mistypes, a script with an old token asks every second: far more than either in a minute. */
const MOST_FAILURES = 60
const WINDOW_MS = 60_000

/** A few megabytes at most, whoever asks from wherever. */
const MOST_CLIENTS = 10_000

interface Failures {
  count: number
  readonly endsAt: number
}

/**
 * Counts wrong tokens by the address they come from, in the memory of one process. It answers those
 * who guess with fewer words and a wait; it never stands in the way of a right token, which is compared
 * before anybody is counted, so that one client locks out nobody else behind the same proxy. What keeps
 * a token from being guessed is its length, not this.
 */
export class FailedLogins {
  readonly #clients = new Map<string, Failures>()

  /** Notes a wrong token; answers for how many seconds to wait, if there were too many. */
  note(client: string, nowMs: number): number | undefined {
    const failures = this.#openWindow(client, nowMs)
    failures.count += 1
    if (failures.count <= MOST_FAILURES) return undefined
    return Math.max(1, Math.ceil((failures.endsAt - nowMs) / 1_000))
  }

  get size(): number {
    return this.#clients.size
  }

  #openWindow(client: string, nowMs: number): Failures {
    const known = this.#clients.get(client)
    if (known !== undefined && known.endsAt > nowMs) return known
    this.#clients.delete(client)
    this.#makeRoom()
    const opened = { count: 0, endsAt: nowMs + WINDOW_MS }
    this.#clients.set(client, opened)
    return opened
  }

  /** The window that was opened first, and ends first, goes first. */
  #makeRoom(): void {
    if (this.#clients.size < MOST_CLIENTS) return
    for (const client of this.#clients.keys()) {
      this.#clients.delete(client)
      return
    }
  }
}

/**
 * Whom a request comes from. Who connects from a private address is a proxy of ours, and the last entry
 * of `x-forwarded-for` is what it has seen; anybody else could write there what they like, so that the
 * header counts for nothing. Of IPv6 the network counts, for a client has all addresses of it.
 */
export function clientOf(request: IncomingMessage): string {
  const peer = plain(request.socket.remoteAddress ?? 'unknown')
  if (isPublicAddress(peer)) return networkOf(peer)
  const forwarded = request.headers['x-forwarded-for']
  const last = [forwarded ?? ''].flat().join(',').split(',').at(-1)?.trim() ?? ''
  return networkOf(last === '' ? peer : plain(last))
}

/** An IPv4 address that a socket of IPv6 shows. No longer than an address, whatever the header holds. */
function plain(address: string): string {
  return address.replace(/^::ffff:/i, '').slice(0, 45)
}

function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail = ''] = address.split('::')
  const groups = (part: string): string[] => part.split(':').filter((group) => group !== '')
  const given = groups(head).length + groups(tail).length
  const zeros = Array<string>(Math.max(0, 8 - given)).fill('0')
  const all = [...groups(head), ...zeros, ...groups(tail)]
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
