import type { IncomingMessage } from 'node:http'

/** Whom and what a request asks for. */
export interface Target {
  readonly subdomain: string
  /** Scheme, host and account prefix, without a slash at the end. */
  readonly base: string
  readonly method: string
  /** As it came, behind the account prefix. */
  readonly path: string
  /** The path in parts, without `.json`. */
  readonly segments: readonly string[]
  readonly query: URLSearchParams
  readonly queryText: string
}

/** The account is the first part of the path, or the host name in front of `.localhost`. */
export function targetOf(request: IncomingMessage): Target {
  const url = request.url ?? '/'
  const mark = url.indexOf('?')
  const fullPath = mark < 0 ? url : url.slice(0, mark)
  const queryText = mark < 0 ? '' : url.slice(mark + 1)
  const host = request.headers.host ?? '127.0.0.1'
  const fromHost = /^([^.]+)\.localhost(?::\d+)?$/.exec(host)?.[1]
  const prefixEnd = fullPath.indexOf('/', 1)
  const prefix = fullPath.slice(1, prefixEnd < 0 ? undefined : prefixEnd)
  const path = fromHost === undefined ? (prefixEnd < 0 ? '/' : fullPath.slice(prefixEnd)) : fullPath
  return {
    subdomain: fromHost ?? prefix,
    base: fromHost === undefined ? `http://${host}/${prefix}` : `http://${host}`,
    method: request.method ?? 'GET',
    path,
    segments: segmentsOf(path),
    query: new URLSearchParams(queryText),
    queryText,
  }
}

/** JSON or a form as an object; `null` for anything that is neither. */
export function parseBody(contentType: string | undefined, text: string): unknown {
  if (text === '') return null
  if (contentType?.includes('form-urlencoded') === true) {
    return Object.fromEntries(new URLSearchParams(text))
  }
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function segmentsOf(path: string): readonly string[] {
  const bare = path.endsWith('.json') ? path.slice(0, -5) : path
  return bare.slice(1).split('/')
}
