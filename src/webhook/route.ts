import Router from '@koa/router'
import { RequestError } from '../platform/errors.ts'
import { type ErrorAnswer, errorAnswer, sendAnswer } from '../platform/http/error-answer.ts'
import { seldom, webhookLog as log } from '../platform/log.ts'
import { type BodyReader, MOST_BODY_BYTES } from './read-body.ts'
import { type Receipt, type ReceiveDeps, receiveOnce } from './receive-once.ts'

/** Zendesk sends again what is answered so, and nothing that is answered with 500. */
const RETRY_AFTER_SECONDS = 10

/** How often failures are told while they go on. */
const TELL_EVERY_MS = 5_000

interface RouteDeps extends ReceiveDeps {
  readonly bodies: BodyReader
}

/**
 * Where Zendesk's webhooks come in. A hint is stored before it is acknowledged, in one statement with
 * those that come in at the same time; what cannot be stored now is asked for again. Refusals are
 * answered without an exception, for there may be very many of them.
 */
export function webhookRoutes(deps: RouteDeps): Router {
  const { bodies } = deps
  const tell = seldom(TELL_EVERY_MS)
  const router = new Router()
  router.post('/webhooks/zendesk/:integration_id', async (ctx) => {
    const delivery = {
      integrationId: String(ctx.params['integration_id']),
      proof: {
        signature: ctx.get('x-zendesk-webhook-signature'),
        timestamp: ctx.get('x-zendesk-webhook-signature-timestamp'),
      },
      accountHeader: ctx.get('x-zendesk-account-id'),
      readBody: () => bodies.read(ctx.req),
    }
    try {
      const receipt = await receiveOnce(deps, delivery)
      const refusal = refusals[receipt]
      if (refusal === undefined) ctx.body = { status: receipt === 'stored' ? 'stored' : 'ignored' }
      else sendAnswer(ctx, refusal)
    } catch (error) {
      tell((leftOut) => log.warn({ err: error, leftOut }, 'a hint could not be stored'))
      sendAnswer(ctx, unavailable)
    }
  })
  return router
}

const unavailable = errorAnswer(
  new RequestError(503, 'unavailable', 'the hint could not be stored: send it again', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  }),
)

const refusals: Readonly<Record<Receipt, ErrorAnswer | undefined>> = {
  stored: undefined,
  meaningless: undefined,
  'no integration': refusal(404, 'not_found', 'there is no such integration'),
  unsigned: refusal(
    401,
    'signature_wrong',
    'expected x-zendesk-webhook-signature over timestamp and body, by the secret of this webhook',
  ),
  stale: refusal(
    401,
    'signature_stale',
    'x-zendesk-webhook-signature-timestamp is too far from now: sign the delivery again',
  ),
  'too large': refusal(413, 'too_large', `expected at most ${MOST_BODY_BYTES} bytes`),
  'broken off': refusal(400, 'malformed', 'the request has ended before its body'),
  'no room': unavailable,
  'no event': refusal(
    400,
    'malformed',
    'expected an event as JSON with id, account_id, type and the ticket in detail.id',
  ),
  'other account': refusal(400, 'account_mismatch', 'this event is of another Zendesk account'),
}

function refusal(status: number, code: string, message: string): ErrorAnswer {
  return errorAnswer(new RequestError(status, code, message))
}
