import type Router from '@koa/router'
import { connect } from '../../db/connect.ts'
import type { Config } from '../platform/config/config.ts'
import { Announcements } from './terms/announcements-client.ts'
import { hintWriter } from './hints-store.ts'
import { BodyReader } from './read-body.ts'
import { Receipts } from './receipts-store.ts'
import { webhookRoutes } from './route.ts'
import { TermsStore } from './terms/terms-store.ts'

/**
 * Two statements that store hints, one that reads secrets, one that writes down receipts, and some
 * first deliveries of new webhooks.
 */
const CONNECTIONS = 6

/** Well within the ten seconds for which Zendesk waits, also for what stands behind it. */
const ANSWER_TIMEOUT_MS = 3_000

export interface Intake extends AsyncDisposable {
  readonly routes: Router
  /** Answers those whose body does not come to its end that they may send it again. */
  readonly giveUp: () => void
}

/**
 * Opens what webhooks need. Their connections are their own, for a hint must not wait for a person's
 * statement, and give up sooner than others: a sender that is told to come again does.
 */
export function openIntake(config: Config): Intake {
  const db = connect(config.databaseUrl, {
    maxConnections: CONNECTIONS,
    applicationName: 'hearflow-zendesk-hints',
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
  })
  const stack = new AsyncDisposableStack()
  stack.defer(() => db.destroy())
  const announcements = stack.use(
    new Announcements(config.databaseUrl, {
      onChange: (id) => terms.forget(id),
      onGap: () => terms.forgetAll(),
    }),
  )
  const terms = new TermsStore({
    db,
    keys: config.secrets.encryptionKeys,
    production: config.production,
    isListening: () => announcements.isListening(),
  })
  const hints = hintWriter(db)
  const receipts = stack.use(new Receipts(db))
  const bodies = new BodyReader()
  const routes = webhookRoutes({
    bodies,
    terms,
    store: (hint) => hints.submit(hint),
    note: (id) => receipts.note(id),
  })
  const giveUp = (): void => bodies.giveUp()
  return { routes, giveUp, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
