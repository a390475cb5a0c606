import test from 'ava'
import { openApiDocument } from '../../../src/platform/http/openapi/document.ts'
import { addressOf, readDocument } from '../../support/openapi.ts'
import { startTestWeb } from '../../support/web.ts'
import { aHintedIntegration } from '../../support/webhook-rows.ts'

const READ_TOKEN = 'a-token-that-may-only-read'

test('the document describes each route that there is, and nothing else', async (t) => {
  const web = await startTestWeb(t)

  const { operations } = await readDocument(web)

  const routes = web.routes.map((route) => route.replaceAll(/:(\w+)/g, '{$1}').replace(/\/$/, ''))
  const described = operations.map(({ method, path }) => `${method} ${path}`)
  t.true(routes.length > 30)
  t.deepEqual(described.toSorted(), routes.toSorted())
})

test('the document holds together: names are unique, references lead somewhere', async (t) => {
  const web = await startTestWeb(t)

  const { raw, document, operations } = await readDocument(web)

  const ids = operations.map(({ operationId }) => operationId)
  t.deepEqual(ids, [...new Set(ids)])
  const references = [...JSON.stringify(raw).matchAll(/"\$ref":"([^"]*)"/g)].map(([, it]) => it)
  const targets = Object.keys(document.components.schemas)
  t.true(references.length > 0)
  t.deepEqual(
    targets.map((name) => `#/components/schemas/${name}`).toSorted(),
    [...new Set(references)].map(String).toSorted(),
  )
  t.false(/"(\$defs|\$schema|~standard)":/.test(JSON.stringify(raw)))
  for (const { operationId, path, parameters, security, responses } of operations) {
    const named = parameters.filter((it) => it.in === 'path').map(({ name }) => name)
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    t.deepEqual(named, inPath.map(String), operationId)
    t.true(parameters.every((it) => it.in !== 'path' || it.required))
    for (const scheme of security.flatMap((it) => Object.keys(it)))
      t.true(Object.hasOwn(document.components.securitySchemes, scheme))
    t.true(Object.keys(responses).some((status) => status < '400'))
  }
})

test('the document tells what is accepted, as the routes themselves know it', async (t) => {
  const { operations } = await readDocument(await startTestWeb(t))
  const find = (id: string) => operations.find(({ operationId }) => operationId === id)

  const feed = find('readFeed')?.parameters.map(({ name, schema }) => [name, schema])
  const body = find('backfillNow')?.requestBody?.content['application/json']?.schema

  t.deepEqual(feed?.slice(2), [
    ['limit', { type: 'integer', minimum: 1, maximum: 1000 }],
    ['wait', { type: 'integer', minimum: 0, maximum: 30, default: 0 }],
  ])
  t.deepEqual(body, {
    type: 'object',
    properties: { days: { type: 'integer', minimum: 1, maximum: 3650 } },
    additionalProperties: false,
  })
})

test('a path with a parameter that nobody knows is no document', (t) => {
  const nobody = { version: '1', publicUrl: 'http://127.0.0.1' }
  const operation = { id: 'x', summary: 'x', answers: {}, errors: [] }

  t.throws(
    () =>
      openApiDocument([{ ...operation, method: 'get', path: '/x/{colour}', auth: 'none' }], nobody),
    { message: /"colour"/ },
  )
})

test('each route opens to whom the document says, and to nobody else', async (t) => {
  const web = await startTestWeb(t, { READ_TOKEN })
  const { operations } = await readDocument(web)
  // Of a webhook that nobody knows no signature is asked.
  const hinted = { integration_id: await aHintedIntegration(web.db, web.config) }
  const bearers = [
    ['nobody', null],
    ['a guesser', 'wrong'],
    ['a reader', READ_TOKEN],
    ['an administrator', undefined],
  ] as const

  for (const [index, { method, path, security, operationId }] of operations.entries()) {
    const schemes = security.flatMap((it) => Object.keys(it))
    const known = schemes.includes('signature') ? hinted : {}
    const isOpen = schemes.length === 0 || schemes.includes('state')
    for (const [who, token] of bearers) {
      // Each guess from a place of its own: many from one are told to wait.
      const headers = { 'x-forwarded-for': `203.0.113.${index}` }
      const asked = { headers, ...(token !== undefined && { token }) }
      const { status } = await web.ask(method, addressOf(path, known), asked)
      const mayEnter =
        isOpen ||
        (who === 'an administrator' && schemes.includes('admin')) ||
        (who === 'a reader' && schemes.includes('read'))
      t.is(status === 401, !mayEnter, `${operationId} as ${who}: ${status}`)
    }
  }
})
