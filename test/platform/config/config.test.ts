import test from 'ava'
import { type Environment, loadConfig } from '../../../src/platform/config/config.ts'
import { ConfigError } from '../../../src/platform/errors.ts'

const key = Buffer.alloc(32, 7).toString('base64')
const base = { DATABASE_URL: 'postgres://localhost/x', ENCRYPTION_KEYS: `k1:${key}` }

const accepts = test.macro({
  title: (_, environment: Environment) => `${JSON.stringify(environment)} is accepted`,
  exec: (t, environment: Environment) => {
    t.notThrows(() => loadConfig({ ...base, ...environment }))
  },
})

for (const template of [
  'https://{subdomain}.zendesk.com/',
  'http://127.0.0.1:4000',
  'http://127.0.0.1:4000/{subdomain}',
  'http://localhost:4000/',
  'http://{subdomain}.localhost:4000',
  'http://[::1]:4000',
]) {
  test(accepts, { ZENDESK_URL_TEMPLATE: template })
  test(accepts, { ZENDESK_URL_TEMPLATE: template, NODE_ENV: 'production', ADMIN_TOKEN: 'token' })
}
test(accepts, { ADMIN_TOKEN: 'short', READ_TOKEN: 'x' })
test(accepts, { PUBLICATION_RETENTION_DAYS: '30' })
test(accepts, { SINK_URL: 'http://localhost:1/hook', SINK_SECRET: 'whsec_YWJj' })
test(accepts, { SINK_URL: 'https://example.com', SINK_SECRET: 'whsec_YWI=' })
test(accepts, { ENCRYPTION_KEYS: `2026.1:${key},old_1:${key}` })

const refuses = test.macro({
  title: (_, name: string, environment: Environment) =>
    `${JSON.stringify(environment)} is refused because of ${name}, and the value is not shown`,
  exec: (t, name: string, environment: Environment) => {
    const error = t.throws(() => loadConfig({ ...base, ...environment }), {
      instanceOf: ConfigError,
    })
    t.deepEqual(
      error.problems.map((problem) => problem.split(':')[0]),
      [name],
    )
    const value = environment[name]
    if (value !== undefined && value !== '') t.false(error.message.includes(value))
  },
})

for (const template of [
  'http://{subdomain}.zendesk.com',
  'http://127.0.0.1.evil.example',
  'http://localhost.evil.example/{subdomain}',
  'ftp://localhost',
  'https://zendesk.com',
  'https://user@{subdomain}.zendesk.com',
  'https://{subdomain}.zendesk.com/?x=1',
]) {
  test(refuses, 'ZENDESK_URL_TEMPLATE', { ZENDESK_URL_TEMPLATE: template })
}
test(refuses, 'ADMIN_TOKEN', { ADMIN_TOKEN: 'two words' })
test(refuses, 'READ_TOKEN', { READ_TOKEN: 'tökén' })
test(refuses, 'PUBLICATION_RETENTION_DAYS', { PUBLICATION_RETENTION_DAYS: '4000' })
test(refuses, 'PUBLICATION_RETENTION_DAYS', { PUBLICATION_RETENTION_DAYS: '1.5' })
test(refuses, 'SINK_SECRET', { SINK_SECRET: 'whsec_=' })
test(refuses, 'SINK_SECRET', { SINK_SECRET: 'whsec_abcde' })
test(refuses, 'SINK_SECRET', { SINK_SECRET: 'c2VjcmV0' })
test(refuses, 'SINK_SECRET', { SINK_URL: 'https://example.com' })
test(refuses, 'ENCRYPTION_KEYS', { ENCRYPTION_KEYS: `k1:${key},k1:${key}` })
test(refuses, 'ADMIN_TOKEN', { NODE_ENV: 'production' })
test(refuses, 'ZENDESK_CLIENT_ID', { ZENDESK_CLIENT_SECRET: 'alone-secret' })

test('an empty variable counts as absent', (t) => {
  const config = loadConfig({ ...base, PORT: '', SINK_URL: '', ZENDESK_SCOPE: '' })

  t.is(config.port, 3000)
  t.is(config.publicUrl, 'http://localhost:3000')
  t.is(config.zendesk.scope, 'read')
  t.is(config.sink.url, undefined)
})
