import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { randomFrom } from '../support/random.ts'

export interface Reader {
  readonly position: number
  readonly requests: number
  /** How often the feed said that the reader is too far behind. */
  readonly tooLate: number
  /** Publications that did not follow the one before them. */
  readonly disorder: readonly string[]
  /** How often each ticket was seen, in the feed or among the current transcripts. */
  readonly seen: Uint8Array
}

interface Following {
  readonly seed: number
  /** Tickets are numbered up to this. */
  readonly tickets: number
  /** Aborts when nobody writes any more; the reader then reads to the end. */
  readonly signal: AbortSignal
  readonly longestPauseMs?: number
  readonly reached?: (position: number) => Promise<void>
}

interface Line {
  readonly sequence: string
  readonly transcript: { readonly ticket: { readonly id: number } }
}

interface Page {
  readonly lines: readonly Line[]
  readonly next: number
  readonly isEnd: boolean
}

/** Reads a feed like a program of somebody else's: pages, waits and streams, by turns and at random. */
export async function followFeed(url: string, options: Following): Promise<Reader> {
  const { seed, tickets, signal, longestPauseMs = 4, reached } = options
  const random = randomFrom(seed * 1_000)
  const seen = new Uint8Array(tickets + 1)
  const disorder: string[] = []
  let [position, requests, tooLate] = [0, 0, 0]
  for (let isLast = false; ;) {
    isLast = signal.aborted
    const page = await readPage(url, position, random)
    requests += 1
    if (page === 'too late') {
      tooLate += 1
      position = await readCurrent(url, seen)
      continue
    }
    for (const { sequence, transcript } of page.lines) {
      if (Number(sequence) !== position + 1) disorder.push(`${sequence} after ${position}`)
      position = Number(sequence)
      seen[transcript.ticket.id] = (seen[transcript.ticket.id] ?? 0) + 1
    }
    position = page.next
    await reached?.(position)
    if (isLast && page.isEnd) return { position, requests, tooLate, disorder, seen }
    if (random() < 0.3) await sleep(random() * longestPauseMs)
  }
}

async function readPage(
  url: string,
  after: number,
  random: () => number,
): Promise<Page | 'too late'> {
  const isStream = random() < 0.4
  const limit = random() < 0.2 ? 1_000 : 1 + Math.floor(random() * 60)
  const query = new URLSearchParams({ after: String(after) })
  if (!isStream || random() < 0.7) query.set('limit', String(limit))
  if (random() < 0.3) query.set('wait', '1')
  const { statusCode, body } = await request(`${url}?${query}`, {
    headers: { accept: isStream ? 'application/x-ndjson' : 'application/json' },
  })
  try {
    const answer = await text(body)
    if (statusCode === 410) return 'too late'
    return isStream ? ofStream(answer, after) : ofJson(answer)
  } catch (error) {
    // A stream that breaks off is asked for again; nothing of it was taken.
    if (isStream) return { lines: [], next: after, isEnd: false }
    throw error
  }
}

function ofJson(answer: string): Page {
  const { data, next, has_more: hasMore } = JSON.parse(answer)
  return { lines: data, next: Number(next), isEnd: !hasMore }
}

function ofStream(answer: string, after: number): Page {
  const lines = answer
    .split('\n')
    .slice(0, -1)
    .map((line): Line => JSON.parse(line))
  return { lines, next: Number(lines.at(-1)?.sequence ?? after), isEnd: lines.length === 0 }
}

/** Notes all current transcripts that were not seen yet; answers where the feed goes on. */
async function readCurrent(url: string, seen: Uint8Array): Promise<number> {
  let feedCursor: number | undefined
  for (let cursor = ''; ;) {
    const { body } = await request(`${url}/current?limit=200&cursor=${cursor}`)
    const page = JSON.parse(await text(body))
    feedCursor ??= Number(page.feed_cursor)
    for (const { ticket } of page.data) seen[ticket.id] ||= 1
    if (page.next_cursor === null) return feedCursor
    cursor = page.next_cursor
  }
}
