import { connect } from '../../../db/connect.ts'
import { saveHints } from '../../../src/hint/store.ts'
import { loadConfig } from '../../../src/platform/config/config.ts'
import { createApp } from '../../../src/platform/http/app.ts'
import { listen } from '../../../src/platform/http/server.ts'
import { aborted, runEntry } from '../../../src/platform/lifecycle.ts'
import { setLogLevel } from '../../../src/platform/log.ts'
import { BodyReader } from '../../../src/webhook/read-body.ts'
import type { ReceiveDeps } from '../../../src/webhook/receive-once.ts'
import { webhookRoutes } from '../../../src/webhook/route.ts'
import { TermsStore } from '../../../src/webhook/terms/terms-store.ts'

/**
 * The route of webhooks with another way to store, to be measured beside the service: `none` stores
 * nothing, `each` makes a statement of each hint. Prints its port.
 */
await runEntry(async (signal) => {
  const config = loadConfig(process.env)
  setLogLevel(config.logLevel)
  const db = connect(config.databaseUrl)
  const terms = new TermsStore({
    db,
    keys: config.secrets.encryptionKeys,
    production: false,
    isListening: () => true,
  })
  const stores: Readonly<Record<string, ReceiveDeps['store']>> = {
    none: () => Promise.resolve(),
    each: (hint) => saveHints(db, [hint]),
  }
  const store = stores[process.argv[2] ?? '']
  if (store === undefined) throw new RangeError('expected none or each')
  const app = createApp([webhookRoutes({ terms, store, note: () => {}, bodies: new BodyReader() })])
  await using server = await listen(app, config)
  process.stdout.write(`${JSON.stringify({ port: server.port })}\n`)
  await aborted(signal)
  await db.destroy()
})
