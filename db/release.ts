import { loadConfig } from '../src/platform/config/config.ts'
import { withDevelopmentSecrets } from '../src/platform/config/dev-secrets.ts'
import { runEntry } from '../src/platform/lifecycle.ts'
import { log } from '../src/platform/log.ts'
import { queues } from '../src/queues.ts'
import { migrateToLatest } from './migrate.ts'

// Half a release is none: whoever cuts it off learns that it has not come to its end.
process.exitCode = 1
await runEntry(async () => {
  const config = loadConfig(withDevelopmentSecrets(process.env))
  const applied = await migrateToLatest(config.databaseUrl, queues)
  log.info({ applied }, 'database is up to date')
  process.exitCode = 0
})
