import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { type Body, BodyReader, MOST_BODY_BYTES } from '../../src/webhook/read-body.ts'

/** Reads the bodies of what is sent to it, and answers nothing until all are read. */
async function aReader(t: ExecutionContext) {
  const reader = new BodyReader()
  const bodies: Promise<Body>[] = []
  const server = createServer((incoming, response) => {
    const body = reader.read(incoming)
    bodies.push(body)
    void body.then(() => response.end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const open = () => {
    const sent = request({ port, host: '127.0.0.1', method: 'POST' })
    sent.on('error', () => {})
    return sent
  }
  return { server, bodies, open }
}

test('the bytes of a body come as they were sent, whatever they are', async (t) => {
  const { server, bodies, open } = await aReader(t)
  const sent = open()
  sent.write(Buffer.from([0xff, 0x00]))
  await once(server, 'request')
  sent.end(Buffer.from([0xc3, 0x28]))

  t.deepEqual(await bodies[0], Buffer.from([0xff, 0x00, 0xc3, 0x28]))
})

test('a sender who goes away has broken off', async (t) => {
  const { server, bodies, open } = await aReader(t)
  const sent = open()
  sent.write('half of it')
  await once(server, 'request')
  sent.destroy()

  t.is(await bodies[0], 'broken off')
})

test('who sends without an end is cut off', async (t) => {
  const { server, bodies, open } = await aReader(t)
  const sent = open()
  const piece = Buffer.alloc(MOST_BODY_BYTES / 4)
  sent.write(piece)
  await once(server, 'request')
  const closed = once(sent, 'close')
  const more = (): void => {
    while (sent.writable && !sent.destroyed && sent.write(piece)) continue
    if (!sent.destroyed) sent.once('drain', more)
  }
  more()

  t.is(await bodies[0], 'too large')
  await closed
  t.true(sent.destroyed)
})

test('of many bodies that do not end only so many are held', async (t) => {
  const { bodies, open } = await aReader(t)
  const senders = Array.from({ length: 80 }, open)
  for (const sent of senders) sent.write(Buffer.alloc(MOST_BODY_BYTES - 1))
  while (bodies.length < senders.length) await new Promise((resolve) => setImmediate(resolve))

  t.is(await Promise.race(bodies), 'no room')
  for (const sent of senders) sent.destroy()
  t.true((await Promise.all(bodies)).includes('broken off'))

  const next = open()
  next.end('small')
  while (bodies.length <= senders.length) await new Promise((resolve) => setImmediate(resolve))
  t.deepEqual(await bodies.at(-1), Buffer.from('small'))
})
