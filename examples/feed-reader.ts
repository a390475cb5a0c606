import { readFile, rename, writeFile } from 'node:fs/promises'

// Follows the feed of one workspace; `node examples/feed-reader.ts` goes on where it has stopped.
// FEED_URL is https://…/v1/workspaces/w1/transcripts, TOKEN the read token, STATE a file of its own.
const { FEED_URL: url = '', TOKEN: token = '', STATE: state = 'feed.next' } = process.env
const headers = { authorization: `Bearer ${token}` }
let after = await readFile(state, 'utf8').catch(() => '0')
for (;;) {
  const answer = await fetch(`${url}?after=${after}&limit=1000&wait=30`, { headers })
  // 410: what comes after `after` is pruned. Read `${url}/current`, then set STATE to its feed_cursor.
  if (!answer.ok) throw new Error(`the feed answered ${answer.status}: ${await answer.text()}`)
  const page = JSON.parse(await answer.text())
  for (const { type, transcript } of page.data) {
    // Your work goes here. It may be done twice for a publication if this process dies before the end.
    process.stdout.write(`${type} ${transcript.id} revision ${transcript.revision}\n`)
  }
  // Kept only when the page is worked through, and whole or not at all.
  await writeFile(`${state}.new`, page.next)
  await rename(`${state}.new`, state)
  after = page.next
}
