import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { maskSource } from '../support/architecture/mask-source.ts'

const root = path.join(import.meta.dirname, '..', '..')

/** What a log line may not be given, as a part of any name in the call. */
const FORBIDDEN = new Set(
  `token tokens secret secrets password authorization cookie credential credentials grant verifier
   header headers body bodies json html text texts comment comments subject description transcript
   email mail phone name names address requester author query`.split(/\s+/),
)

const CALL = /\b\w*[lL]og(?:\.(?:trace|debug|info|warn|error|fatal)|\[\w+\])\(/g
/** Fields that are made before they are passed on, in this file or to another one. */
const FIELDS = /\b(?:fields|logFields)(?::[^={]*)?\s*[=:]\s*(?=\{)/g

test('no log call and no fields for one name a text, a secret or a person', (t) => {
  const files = globSync(['src/**/*.ts', 'db/**/*.ts'], { cwd: root }).filter(
    (file) => !file.startsWith(path.join('src', 'simulator')),
  )

  const findings = files.flatMap((file) =>
    forbiddenIn(readFileSync(path.join(root, file), 'utf8')).map((name) => `${file}: ${name}`),
  )

  t.true(files.length > 100)
  t.deepEqual(findings, [])
})

test('every first argument of a log call is an object of fields, or a message', (t) => {
  const files = globSync(['src/**/*.ts', 'db/**/*.ts'], { cwd: root })
  const calls = files.flatMap((file) => {
    const code = maskSource(readFileSync(path.join(root, file), 'utf8'))
    return startsOf(CALL, code).map((at) => ({ file, code: code.slice(at, at + 12) }))
  })

  t.true(calls.length > 20)
  t.deepEqual(
    calls.filter((call) => !/^\s*(?:\{|'|fields\b)/.test(call.code)),
    [],
  )
})

const finds = test.macro({
  title: (_, source: string) => `${source} is found`,
  exec: (t, source: string, names: readonly string[]) => t.deepEqual(forbiddenIn(source), names),
})

test(finds, "log.info({ accessToken }, 'x')", ['accessToken'])
test(finds, "zendeskLog.warn({ id, body: answer.body }, 'x')", ['body', 'body'])
test(finds, "log[level]({ ...user, who: user.email }, 'x')", ['email'])
test(finds, "const fields = { id, subject }\nlog.warn(fields, 'x')", ['subject'])
test(finds, 'send({ logFields: { family, userName: me.name } })', ['userName', 'name'])

test('a message may speak of what its fields may not hold', (t) => {
  t.deepEqual(forbiddenIn("log.warn({ id, err: error }, 'a token could not be revoked')"), [])
})

function forbiddenIn(source: string): string[] {
  const code = maskSource(source)
  const pieces = [...startsOf(CALL, code), ...startsOf(FIELDS, code)].map((at) => upToEnd(code, at))
  return pieces
    .flatMap((piece) => piece.match(/[A-Za-z_]\w*/g) ?? [])
    .filter((name) => wordsOf(name).some((word) => FORBIDDEN.has(word)))
}

function startsOf(pattern: RegExp, code: string): number[] {
  return [...code.matchAll(pattern)].map((found) => found.index + found[0].length)
}

/** From inside of a bracket, or from before one, to where it closes. */
function upToEnd(code: string, start: number): string {
  let depth = code.charAt(start) === '{' ? 0 : 1
  for (let at = start; at < code.length; at++) {
    const char = code.charAt(at)
    if ('([{'.includes(char)) depth += 1
    if (')]}'.includes(char)) depth -= 1
    if (depth === 0) return code.slice(start, at + 1)
  }
  return code.slice(start)
}

/** `accessToken`, `access_token` and `ACCESS_TOKEN` alike. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split('_')
}
