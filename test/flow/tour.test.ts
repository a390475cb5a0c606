import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { startSimulator } from '../../src/simulator/start.ts'
import type { Loose } from '../support/asking.ts'
import { emptyDatabase } from '../support/database.ts'
import { testEnvironment } from '../support/environment.ts'
import { aShownReceiver, anNpm } from '../support/tour/processes.ts'
import { type Command, commandsOf, differences, readme, scriptsIn } from '../support/tour/readme.ts'
import { type Shell, type Shown, aShell } from '../support/tour/shell.ts'
import { type Step, steps } from '../support/tour/steps.ts'
import { leaksIn } from '../support/truth.ts'
import { startTestWeb } from '../support/web.ts'

const ROOT = path.join(import.meta.dirname, '..', '..')

/** What can run inside no test: it is what runs the tests, or makes a database server of its own. */
const APART = ['npm ci && npm run demo', 'npm ci && npm test']

const isCurl = ({ text }: Command): boolean => text.startsWith('curl ')

/** With what the text has the newcomer keep, and every answer so far. */
interface Newcomer {
  readonly shell: Shell
  readonly variables: Record<string, string>
  readonly seen: string[]
}

test('a newcomer gets from an empty database to the last receipt by the README alone', async (t) => {
  // It waits for rounds of upkeep, and each command is a process: a busy machine takes its time.
  t.timeout(300_000)
  await using simulator = await startSimulator({
    seed: 'tour',
    minuteMs: 100,
    accounts: [
      {
        subdomain: 'acme',
        tickets: 60,
        days: 60,
        settings: { rates: { account: null, incremental: null } },
      },
    ],
  })
  const commands = commandsOf(readme).filter(isCurl)
  const secret = /whsec_[\w+/=]+/.exec(readme)?.[0] ?? ''
  const receiver = await aShownReceiver(t, secret)
  const { URL: url, TOKEN: token } = await startByNpm(t, simulator)
  const variables = { URL: url, TOKEN: token, SIMULATOR: simulator.url, RECEIVER: receiver.url }
  const it: Newcomer = { shell: await aShell(t), variables, seen: [] }

  t.is(commands.length, steps.length)
  for (const [index, command] of commands.entries()) await take(t, it, command, steps[index]!)

  t.is(it.variables['RETRACTED'], it.variables['FORESEEN'])
  t.true(it.variables['GOES_ON_AT']! >= it.variables['CURSOR']!)
  const { shell, seen } = it
  const ask = async (text: string): Promise<Loose> =>
    JSON.parse((await shell(`curl -H "Authorization: Bearer $TOKEN" "${text}"`, variables)).body)
  const { data } = await ask('$URL/v1/workspaces/w1/transcripts?limit=1000')
  t.true(data.length > 20)
  const retracted = data.filter(({ type }: Loose) => type === 'transcript.retracted')
  t.true(data.every((one: Loose) => one.erased === true || retracted.includes(one)))
  const names = retracted.map(({ transcript }: Loose) => transcript.id)
  t.is(new Set(names).size, new Set(data.map(({ transcript }: Loose) => transcript.id)).size)
  t.is(new Set(names).size, names.length)
  const filtered = await ask('$URL/admin/integrations/$ID/tickets/$FILTERED/explain')
  t.regex(filtered.because[0], /erased when the account was disconnected/)
  t.deepEqual(leaksIn(seen.join('\n')), [])
})

/** The three scripts that the README tells operators to run, on a database without even a table. */
async function startByNpm(
  t: ExecutionContext,
  simulator: { readonly urlTemplate: string },
): Promise<{ URL: string; TOKEN: string }> {
  const environment = await testEnvironment(await emptyDatabase(t), simulator, {
    LOG_LEVEL: 'warn',
    ZENDESK_SCOPE: 'read webhooks:write',
  })
  const npm = await anNpm(t, environment)
  const release = npm('release')
  t.is(await release.ended, 0, release.output())
  const started = ['start:web', 'start:worker'].map((script) => npm(script))
  t.teardown(() => {
    if (!t.passed) for (const { output } of started) t.log(output())
  })
  return { URL: environment['PUBLIC_URL'] ?? '', TOKEN: environment['ADMIN_TOKEN'] ?? '' }
}

/** A person looks again until what the text shows has come, and asks for a change only once. */
async function take(
  t: ExecutionContext,
  it: Newcomer,
  command: Command,
  step: Step,
): Promise<void> {
  t.regex(command.text, step.runs)
  const looks = !/ -[XdL] /.test(command.text)
  const deadline = performance.now() + (looks ? 90_000 : 0)
  for (;;) {
    const answer = await it.shell(command.text, it.variables).catch(() => undefined)
    const json = answer && jsonOf(answer)
    const findings = answer === undefined ? ['no answer'] : findingsIn(command, step, answer, json)
    if (answer !== undefined && findings.length === 0) {
      it.seen.push(answer.body)
      Object.assign(it.variables, step.keeps?.(json))
      return
    }
    if (performance.now() > deadline) {
      t.fail(`${command.text}\n${findings.join('\n')}\n${answer?.status} ${answer?.body}`)
      throw new Error('the tour cannot go on')
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function jsonOf({ body }: Shown): Loose {
  return /^\{.*\}\s*$/s.test(body) && !/\}\n\{/.test(body) ? JSON.parse(body) : undefined
}

function findingsIn({ excerpt }: Command, step: Step, answer: Shown, json: Loose): string[] {
  if (answer.status !== step.answers) return [`expected ${step.answers}`]
  if (step.shows?.(json, answer) === false) return [`it does not show what ${step.runs} has to`]
  return excerpt === undefined ? [] : differences(excerpt, json)
}

test('every other command of the README is one of those that nothing but themselves can run', (t) => {
  const others = commandsOf(readme).filter((command) => !isCurl(command))

  t.deepEqual(
    others.map(({ text }) => text),
    APART,
  )
})

test('every script that the README names exists, and every script is named', (t) => {
  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
  const { postinstall: _, ...named } = scripts

  t.deepEqual(scriptsIn(readme).toSorted(), Object.keys(named).toSorted())
})

test('every file that the README links to exists', (t) => {
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(([, link = '']) => link)

  t.true(links.length > 4)
  for (const link of links) t.notThrows(() => statSync(path.join(ROOT, link)), link)
})

test('the stand-in for curl does what the real one does, and refuses what the README does not use', async (t) => {
  const { url, config } = await startTestWeb(t)
  const shell = await aShell(t, 'stand-in')
  const variables = { URL: url, TOKEN: config.secrets.adminToken ?? '' }
  const [, make, connect] = commandsOf(readme).filter(isCurl)

  t.like(await shell('curl $URL/readyz', variables), { status: 200 })
  t.like(await shell(make?.text ?? '', variables), { status: 201 })
  const link = jsonOf(await shell(connect?.text ?? '', variables))
  t.regex(link.authorize_url, /^https:\/\/acme\.zendesk\.com\/oauth\/authorizations\/new\?/)
  t.like(await shell('curl -X DELETE $URL/readyz', variables), { status: 405 })
  t.like(await shell('curl -d {} $URL/admin/workspaces', variables), { status: 405 })
  await t.throwsAsync(shell('curl --insecure $URL/readyz', variables), { message: /insecure/ })
  await t.throwsAsync(shell('curl $URL/readyz $URL/healthz', variables), { message: /one address/ })
})
