import { appendFile, readFile } from 'node:fs/promises'
import { type IncomingMessage, createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

// Receives publications. SECRET is the sink's whsec_… secret, SEEN a file of the ids that are done.
const { SECRET = '', SEEN = 'seen.ids', PORT = '8080' } = process.env
const seen = new Set((await readFile(SEEN, 'utf8').catch(() => '')).split('\n'))

async function receive(request: IncomingMessage): Promise<number> {
  const body = await text(request)
  const headers = request.headersDistinct
  const signed = Object.entries(headers).map(([name, values]) => [name, values?.join() ?? ''])
  try {
    new Webhook(SECRET).verify(body, Object.fromEntries(signed))
  } catch {
    return 401
  }
  const id = String(headers['webhook-id'])
  if (seen.has(id)) return 204 // A repeat: each publication comes at least once.
  const { type, transcript } = JSON.parse(body)
  process.stdout.write(`${type} ${transcript.id} revision ${transcript.revision}\n`)
  await appendFile(SEEN, `${id}\n`) // What is not done by now comes again.
  seen.add(id)
  return 204
}

const server = createServer((request, response) => {
  void receive(request).then((status) => response.writeHead(status).end())
})
server.listen(Number(PORT), () => process.stdout.write(`listening on ${PORT}\n`))
