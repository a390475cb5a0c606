import nodeZendesk from 'node-zendesk'
import { Client } from 'pg'

/**
 * The import as one writes it in an afternoon: list the changed tickets, ask for the comments of each
 * with its users, keep the public ones, upsert. It stands here to be measured beside ours. Arguments:
 * base address, access token, start as Unix seconds, Postgres address.
 */
const [endpointUri = '', token = '', startTime = '', databaseUrl = ''] = process.argv.slice(2)

interface Comment {
  readonly id: number
  readonly public: boolean
  readonly author_id: number
  readonly created_at: string
  readonly plain_body: string
}
interface Ticket {
  readonly id: number
  readonly status: string
  readonly subject: string
  readonly tags: readonly string[]
  readonly updated_at: string
}

const startedAt = performance.now()
const db = new Client({ connectionString: databaseUrl })
await db.connect()
await db.query(`create table peer_transcript (
  ticket_id bigint primary key, subject text, status text, tags text[], text text not null,
  turns jsonb not null, updated_at timestamptz not null)`)

const zendesk = nodeZendesk.createClient({
  endpointUri,
  token,
  oauth: true,
  subdomain: 'acme',
  username: '',
})
zendesk.tickets.sideLoad = ['users']

let seen = 0
let stored = 0
let start = startTime
// The client ends after its first page of an export, so the pages are followed here, by time.
for (;;) {
  const tickets = await zendesk.tickets.incremental(start)
  for (const ticket of tickets) await importTicket(ticket)
  seen += tickets.length
  if (tickets.length < 1000) break
  start = String(tickets.at(-1).generated_timestamp)
}
await db.end()
const seconds = (performance.now() - startedAt) / 1000
process.stdout.write(`${JSON.stringify({ seen, stored, seconds })}\n`)

async function importTicket(ticket: Ticket): Promise<void> {
  if (ticket.status === 'deleted') return
  const pages = (await zendesk.tickets.getComments(ticket.id)) as Comment[]
  const comments = pages.filter((comment) => comment.public)
  if (comments.length === 0) return
  const turns = comments.map((comment) => ({
    comment_id: comment.id,
    author_id: comment.author_id,
    at: comment.created_at,
    text: comment.plain_body,
  }))
  await db.query(
    `insert into peer_transcript values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (ticket_id) do update set subject = excluded.subject, status = excluded.status,
       tags = excluded.tags, text = excluded.text, turns = excluded.turns,
       updated_at = excluded.updated_at`,
    [
      ticket.id,
      ticket.subject,
      ticket.status,
      ticket.tags,
      turns.map((turn) => turn.text).join('\n\n'),
      JSON.stringify(turns),
      ticket.updated_at,
    ],
  )
  stored++
}
