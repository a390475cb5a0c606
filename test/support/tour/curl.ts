import { parseArgs } from 'node:util'

/**
 * `curl` where there is none: exactly the options that README.md uses, and an error for every other.
 * Like the real one under `shell.ts` it writes the status on a line behind the body.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    request: { type: 'string', short: 'X' },
    header: { type: 'string', short: 'H', multiple: true, default: [] },
    data: { type: 'string', short: 'd' },
    location: { type: 'boolean', short: 'L', default: false },
  },
})
const [url, ...others] = positionals
if (url === undefined || others.length > 0) throw new TypeError('curl: expected one address')

const { request, header, data, location } = values
const headers = new Headers(header.map((line) => splitHeader(line)))
const answer = await fetch(url, {
  method: request ?? (data === undefined ? 'GET' : 'POST'),
  redirect: location ? 'follow' : 'manual',
  headers: withForm(headers, data),
  ...(data !== undefined && { body: data }),
})
process.stdout.write(`${await answer.text()}\n${answer.status}`)

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  if (colon < 1) throw new TypeError('curl: expected a header as "name: value"')
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}

/** What curl says of data when it is not told what they are. */
function withForm(given: Headers, body: string | undefined): Headers {
  if (body !== undefined && !given.has('content-type')) {
    given.set('content-type', 'application/x-www-form-urlencoded')
  }
  return given
}
