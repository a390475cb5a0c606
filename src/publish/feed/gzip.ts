import { Readable, pipeline } from 'node:stream'
import { promisify } from 'node:util'
import { constants, createGzip, gzip } from 'node:zlib'
import type { Middleware } from 'koa'

/** Less fits into one packet as it is. */
const LEAST_BYTES = 1_024

/** Text shrinks to a third or less at any level, and the lowest takes a third of the time of the default. */
const level = constants.Z_BEST_SPEED

/**
 * Compresses answers for whoever asks for it. What is written to a stream is flushed, so that lines
 * arrive when they are there; a client that is gone ends the stream that is compressed.
 */
export const compressAnswers: Middleware = async (ctx, next) => {
  await next()
  ctx.vary('accept-encoding')
  if (ctx.acceptsEncodings('gzip', 'identity') !== 'gzip') return
  const { body } = ctx
  if (body instanceof Readable) {
    ctx.body = pipeline(body, createGzip({ level, flush: constants.Z_SYNC_FLUSH }), () => {})
    ctx.set('content-encoding', 'gzip')
    return
  }
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  if (Buffer.byteLength(text) < LEAST_BYTES) return
  ctx.body = await promisify(gzip)(text, { level })
  ctx.set('content-encoding', 'gzip')
}
