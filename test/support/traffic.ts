import { randomUUID } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { eventBody, signedHeaders } from './signed.ts'

/** Between a refusal and the next try, as short as a test wants it. */
const AGAIN_MS = 50
/** Between one request of a client and its next: the load is to be there, not to take the machine. */
const REST_MS = 20

/**
 * Sends requests to the webs that there are, in turns, as the router of a platform does: where nobody
 * answers it asks the next one.
 */
export class Router {
  #ports: readonly number[] = []
  #turn = 0
  /** How often a web that went away had to be left for another one. */
  turnedAway = 0

  set ports(ports: readonly number[]) {
    this.#ports = ports
  }

  get ports(): readonly number[] {
    return this.#ports
  }

  async send(path: string, init: RequestInit): Promise<{ status: number; text: string }> {
    for (;;) {
      const port = this.#ports[this.#turn++ % this.#ports.length] ?? 0
      try {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`, init)
        return { status: answer.status, text: await answer.text() }
      } catch {
        this.turnedAway += 1
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
  }
}

export interface Traffic {
  /** Events that were acknowledged, each once. */
  readonly accepted: readonly string[]
  /** Every status of an answer to a webhook, or to a question of the other clients. */
  readonly webhookStatuses: ReadonlySet<number>
  readonly otherStatuses: ReadonlySet<number>
  /** The publications that the reader of the feed was given, in its order. */
  readonly read: readonly string[]
  /** Lets what was begun come to its end, and the feed to where it ends. */
  readonly stop: () => Promise<void>
}

export interface TrafficOptions {
  readonly integrationId: string
  readonly ticketIds: readonly number[]
  readonly workspaceId: string
  readonly token: string
  readonly lanes: number
}

/** Webhooks that come again until they are taken, a person who looks, and a reader of the feed. */
export function startTraffic(
  t: ExecutionContext,
  router: Router,
  options: TrafficOptions,
): Traffic {
  const accepted: string[] = []
  const webhookStatuses = new Set<number>()
  const otherStatuses = new Set<number>()
  const read: string[] = []
  let isStopped = false
  const headers = { authorization: `Bearer ${options.token}` }

  const deliver = async (index: number): Promise<void> => {
    const id = randomUUID()
    const ticketId = options.ticketIds[index % options.ticketIds.length] ?? 0
    const body = eventBody({ id, ticketId })
    for (;;) {
      const { status } = await router.send(`/webhooks/zendesk/${options.integrationId}`, {
        method: 'POST',
        body,
        headers: signedHeaders(body),
      })
      webhookStatuses.add(status)
      if (status === 200) return void accepted.push(id)
      if (status !== 503) return
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
  }
  const send = async (): Promise<void> => {
    for (let index = 0; !isStopped; index++) {
      await deliver(index)
      await rest()
    }
  }
  const look = async (): Promise<void> => {
    while (!isStopped) {
      const paths = [
        '/admin/status',
        '/admin/integrations',
        `/admin/integrations/${options.integrationId}`,
      ]
      for (const path of paths) {
        otherStatuses.add((await router.send(path, { headers })).status)
        await rest()
      }
    }
  }
  const follow = async (): Promise<void> => {
    let after = ''
    for (let isMore = true; isMore || !isStopped;) {
      const query = `limit=50&wait=1${after && `&after=${after}`}`
      const path = `/v1/workspaces/${options.workspaceId}/transcripts?${query}`
      const { status, text } = await router.send(path, { headers })
      otherStatuses.add(status)
      if (status !== 200) continue
      const page = JSON.parse(text) as { data: { id: string }[]; next: string; has_more: boolean }
      read.push(...page.data.map(({ id }) => id))
      after = page.next
      isMore = page.has_more || page.data.length > 0
    }
  }

  const ended = Promise.all([...Array.from({ length: options.lanes }, send), look(), follow()])
  const stop = async (): Promise<void> => {
    isStopped = true
    await ended
  }
  t.teardown(() => {
    isStopped = true
  })
  return { accepted, webhookStatuses, otherStatuses, read, stop }
}

function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, REST_MS))
}
