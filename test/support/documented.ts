import type { ExecutionContext } from 'ava'
import { type Operation, ErrorBody, errorsOf } from '../../src/platform/http/openapi/operation.ts'
import { operations } from '../../src/web.ts'
import { addressOf } from './openapi.ts'
import type { Answer, AskOptions, TestWeb } from './web.ts'

export interface Call extends AskOptions {
  /** Of the parameters of its path, those that are names of something. */
  readonly known?: Readonly<Record<string, string>>
  readonly query?: string
}

export interface Documented {
  /** Asks for an operation, and holds what comes back against what is documented. */
  readonly call: (id: string, call?: Call) => Promise<Answer>
  /** The same for an answer that was fetched in another way. */
  readonly note: (id: string, answer: Answer) => void
}

/** Asks as the document says; `seen` takes what came back, as `showHealth 200`. */
export function documented(
  t: ExecutionContext,
  { ask }: Pick<TestWeb, 'ask'>,
  seen: Set<string>,
): Documented {
  const note: Documented['note'] = (id, answer) => {
    const findings = findingsIn(operationOf(id), answer)
    t.deepEqual(findings, [], `${id} ${answer.status}: ${answer.text.slice(0, 500)}`)
    seen.add(`${id} ${answer.status}`)
  }
  const call: Documented['call'] = async (id, { known, query = '', ...options } = {}) => {
    const { method, path } = operationOf(id)
    const answer = await ask(method.toUpperCase(), addressOf(path, known) + query, options)
    note(id, answer)
    return answer
  }
  return { call, note }
}

/** Each answer that is documented, as `showHealth 200`. */
export function documentedAnswers(): string[] {
  return operations.flatMap((operation) =>
    statusesOf(operation).map((status) => `${operation.id} ${status}`),
  )
}

export function statusesOf(operation: Operation): number[] {
  const statuses = [...Object.keys(operation.answers).map(Number), ...errorsOf(operation)]
  return [...new Set(statuses)]
}

function operationOf(id: string): Operation {
  const found = operations.find((operation) => operation.id === id)
  if (found === undefined) throw new Error(`there is no operation ${id}`)
  return found
}

/** What is wrong with an answer; fields that nobody has documented are. */
function findingsIn(operation: Operation, { status, headers, text }: Answer): string[] {
  if (!statusesOf(operation).includes(status)) return [`${status} is not documented`]
  const type = (headers.get('content-type') ?? '').split(';')[0] ?? ''
  const isLater = status === 429 || status === 503
  const content = operation.answers[status] ?? { 'application/json': ErrorBody }
  if (text === '' && Object.keys(content).length === 0) return []
  const schema = content[type]
  if (schema === undefined) return [`a body of ${type} is not documented`]
  if (isLater && type === 'application/json' && !/^\d+$/.test(headers.get('retry-after') ?? ''))
    return ['it does not say when to come again']
  return bodiesOf(type, text).flatMap((body) => {
    const parsed = schema.safeParse(body)
    return parsed.success ? [] : parsed.error.issues.map((issue) => JSON.stringify(issue))
  })
}

function bodiesOf(type: string, text: string): unknown[] {
  if (type === 'application/json') return [JSON.parse(text)]
  if (type !== 'application/x-ndjson') return [text]
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))
}
