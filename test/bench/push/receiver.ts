import { createServer } from 'node:http'

/** A receiver that takes everything, as a process of its own; the first line is its address. */
const server = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200).end())
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  process.stdout.write(`http://127.0.0.1:${port}/\n`)
})
