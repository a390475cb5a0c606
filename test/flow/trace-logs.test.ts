import { readFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { sql } from 'kysely'
import { unseal } from '../../src/credential/seal.ts'
import { type Api, readIntegration } from '../../src/demo/api.ts'
import { IntegrationId } from '../../src/ids.ts'
import { loadConfig } from '../../src/platform/config/config.ts'
import { type Simulator, startSimulator } from '../../src/simulator/start.ts'
import { FIRST_NAMES, LAST_NAMES } from '../../src/simulator/text/replies.ts'
import { PERSONAL_TOKEN, PRIVATE_TOKEN, PUBLIC_TOKEN } from '../../src/simulator/world/tokens.ts'
import { testDatabase } from '../support/database.ts'
import { testEnvironment } from '../support/environment.ts'
import { type ServiceProcess, spawnEntry } from '../support/service.ts'
import { until, untilRunsEnd } from '../support/truth.ts'

/** What a fault puts in the place of a field: it looks like nothing that other patterns find. */
const GARBAGE = 'GARBAGE-IN-A-FIELD'
const WARNING = `Removed restricted keys ["${GARBAGE}"] sent by Ana at ana@example.com`

/** Shapes of what is in the account, whoever it belongs to. */
const SHAPES: readonly RegExp[] = [
  PUBLIC_TOKEN,
  PRIVATE_TOKEN,
  PERSONAL_TOKEN,
  /[\w.+-]+@[\w-]+\.[a-z]{2,}/gi,
  /2001:db8:[0-9a-f:]+/g,
  /\+1[ 5][\d-]{5,}/g,
  /bearer /gi,
  new RegExp(`\\b(?:${FIRST_NAMES.join('|')}) (?:${LAST_NAMES.join('|')})\\b`, 'g'),
  new RegExp(GARBAGE, 'g'),
]

const settings = { rates: { account: null, incremental: null }, warning: WARNING }
const account = { tickets: 40, days: 80, settings, shape: { messagingShare: 0.2 } }
const IMPORTED = ['faulty', 'refreshed', 'clean'] as const
const GARBLED = ['garbled-export', 'garbled-comments', 'garbled-user'] as const
const REFUSED = 'refused'
const LATE = 'late'
const LATER = 'later'

test('at the level trace no log line tells a secret, a person or a text', async (t) => {
  await using simulator = await startSimulator({
    seed: t.title,
    minuteMs: 100,
    accounts: [
      ...[...IMPORTED, ...GARBLED, LATE, LATER].map((subdomain) => ({ ...account, subdomain })),
      { ...account, subdomain: REFUSED, settings: { ...settings, role: 'agent' } },
    ],
  })
  const it = await startProcesses(t, simulator)
  for (const subdomain of [...IMPORTED, ...GARBLED]) await connect(it, subdomain)
  await connect(it, REFUSED)
  await breakThings(simulator)

  const worker = it.spawn('src/worker.ts')
  const runs = await untilRunsEnd(it.db)
  await failStatements(it, worker)

  // The last lines may still be on their way from the processes.
  await until(() => Promise.resolve(spoken.every((word) => word.test(it.output()))))
  const output = it.output()
  const secrets = [...it.secrets, ...(await tokensOf(simulator)), ...it.config]
  t.deepEqual(runs.map(({ state, errorCode }) => `${state} ${errorCode}`).toSorted(), [
    ...IMPORTED.map(() => 'done null'),
    ...GARBLED.map(() => 'failed zendesk_shape'),
  ])
  t.deepEqual(leaksIn(output, secrets), [])
  t.regex(await readFile(it.sinkFile, 'utf8'), PUBLIC_TOKEN)

  // The search finds what it looks for, and there was enough to search in.
  for (const canary of [...secrets, ...canaries]) {
    const line = `{"level":"info","stage":"zendesk","what":"${canary}"}`
    t.true(leaksIn(`${output}${line}\n`, secrets).length > 0, canary)
  }
  for (const word of spoken) t.true(word.test(output), word.source)
  t.true(secrets.length > 40 && secrets.every((secret) => secret.length >= 16))
  const warnings = output.match(/"warning":"[^"]*","msg":"zendesk warns"/g)
  // Once in the web process, once in the worker, however many answers carried it.
  t.deepEqual(
    warnings,
    Array(2).fill('"warning":"Removed restricted keys … sent by … at …","msg":"zendesk warns"'),
  )
})

const canaries = [
  'pub_0123456789abcdef01',
  'priv_0123456789abcdef01',
  'pii_0123456789abcd',
  'someone@example.com',
  '2001:db8:1::2',
  '+15550100',
  '+1 555-0100',
  'Bearer x',
  `${FIRST_NAMES[0]} ${LAST_NAMES[0]}`,
  GARBAGE,
]

/** Each part of the flow has spoken, at every level: an empty log would hold no secret, either. */
const spoken = [
  /"msg":"listening"/,
  /"msg":"worker started"/,
  /"level":"debug".*"msg":"zendesk answered"/,
  /"family":"oauth","status":201,"ms":\d+,"requestId":"[0-9a-f]+"/,
  /"family":"incremental"/,
  /"status":401/,
  /"status":500/,
  /"msg":"no whole answer from zendesk"/,
  /"msg":"run halted"/,
  /"msg":"account not connected"/,
  /"msg":"run slice finished"/,
  /"msg":"relay pass finished"/,
  // A statement that failed, in either process.
  /"stage":"reconcile".*"code":"23514"/,
  /"code":"23514".*"msg":"callback failed"/,
]

function leaksIn(output: string, secrets: readonly string[]): readonly string[] {
  const shapes = SHAPES.flatMap((shape) => output.match(shape) ?? [])
  return [...new Set([...shapes, ...secrets.filter((secret) => output.includes(secret))])]
}

async function tokensOf(simulator: Simulator): Promise<readonly string[]> {
  const all = [...IMPORTED, ...GARBLED, LATE, LATER, REFUSED]
  return (await Promise.all(all.map((subdomain) => simulator.secrets(subdomain)))).flat()
}

/** What passes is met by a retry; what is garbled for good halts its account. */
async function breakThings(simulator: Simulator): Promise<void> {
  const faulty = { subdomain: 'faulty' } as const
  const garbled = { times: null, kind: 'set_field', value: GARBAGE } as const
  const faults = [
    { ...faulty, family: 'comments', kind: 'status', status: 500 },
    { ...faulty, family: 'comments', kind: 'html', after: 3 },
    { ...faulty, family: 'comments', kind: 'truncated', after: 6 },
    { ...faulty, family: 'comments', kind: 'reset', after: 9 },
    { ...faulty, family: 'incremental', kind: 'cut_answer' },
    { ...faulty, family: 'users', kind: 'status', status: 502, html: true },
    { subdomain: 'refreshed', family: 'incremental', kind: 'status', status: 401 },
    { ...garbled, subdomain: 'garbled-export', family: 'incremental', field: 'updated_at' },
    { ...garbled, subdomain: 'garbled-comments', family: 'comments', field: 'created_at' },
    { ...garbled, subdomain: 'garbled-user', family: 'users', field: 'id' },
  ] as const
  for (const fault of faults) await simulator.setFault(fault)
}

interface Processes {
  readonly api: Api
  readonly db: Awaited<ReturnType<typeof testDatabase>>['db']
  readonly spawn: (entry: string) => ServiceProcess
  /** All that both processes have written. */
  readonly output: () => string
  readonly sinkFile: string
  readonly keys: ReturnType<typeof loadConfig>['secrets']['encryptionKeys']
  /** States, codes and verifiers of the consents so far. */
  readonly secrets: string[]
  /** Those of the environment. */
  readonly config: readonly string[]
}

async function startProcesses(t: ExecutionContext, simulator: Simulator): Promise<Processes> {
  const { url, db } = await testDatabase(t)
  const folder = await mkdtemp(path.join(tmpdir(), 'trace-logs-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const sinkFile = path.join(folder, 'sink.ndjson')
  const environment = await testEnvironment(url, simulator, {
    LOG_LEVEL: 'trace',
    SINK_FILE: sinkFile,
  })
  const config = loadConfig(environment)
  const started: ServiceProcess[] = []
  const spawn = (entry: string): ServiceProcess => {
    const child = spawnEntry(t, entry, environment)
    started.push(child)
    return child
  }
  const output = (): string => started.map((child) => child.output()).join('\n')
  const web = spawn('src/web.ts')
  await until(async () => web.output().includes('"listening"'))
  const api = { baseUrl: config.publicUrl, adminToken: config.secrets.adminToken ?? '' }
  const names = ['ADMIN_TOKEN', 'ENCRYPTION_KEYS', 'ZENDESK_CLIENT_SECRET']
  const secrets = names.map((name) => environment[name]?.replace(/^test:/, '') ?? '')
  const keys = config.secrets.encryptionKeys
  return { api, db, spawn, output, sinkFile, keys, secrets: [], config: secrets }
}

/** Consents as a browser does; notes what is secret on the way. Answers the status of the page. */
async function connect(it: Processes, subdomain: string): Promise<number> {
  const { api, secrets } = it
  const workspace = `${api.baseUrl}/admin/workspaces/w1`
  const headers = {
    authorization: `Bearer ${api.adminToken}`,
    'content-type': 'application/json',
  }
  await fetch(workspace, { method: 'PUT', headers, body: '{"plan":"pro"}' })
  const body = JSON.stringify({ subdomain })
  const begun = await fetch(`${workspace}/zendesk`, { method: 'POST', headers, body })
  const { authorize_url: link, integration_id: id } = (await begun.json()) as {
    authorize_url: string
    integration_id: string
  }
  secrets.push(new URL(link).searchParams.get('state') ?? '', await verifierOf(it, id))
  const page = await fetch(link)
  await page.text()
  if (page.ok) await readIntegration(api, id)
  return page.status
}

async function verifierOf({ db, keys }: Processes, id: string): Promise<string> {
  const row = await db
    .selectFrom('consent')
    .selectAll()
    .where('integrationId', '=', id)
    .executeTakeFirstOrThrow()
  const field = { integrationId: IntegrationId.parse(id), field: 'code_verifier' } as const
  return unseal(keys, row.keyId, field, row.codeVerifier)
}

/** Postgres quotes the whole row when a check fails: texts in the worker, tokens in the web process. */
async function failStatements(it: Processes, worker: ServiceProcess): Promise<void> {
  await sql`
    alter table transcript_revision
    add constraint nothing_fits check (turns = '[]') not valid`.execute(it.db)
  await connect(it, LATE)
  await until(async () => /"stage":"reconcile".*"code":"23514"/.test(worker.output()))
  await sql`
    alter table credential
    add constraint nothing_fits check (scope = '') not valid`.execute(it.db)
  await connect(it, LATER)
}
