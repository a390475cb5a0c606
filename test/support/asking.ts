import type { Api } from '../../src/demo/api.ts'

/** A part of an answer, as deep as the reader looks. */
// oxlint-disable-next-line typescript/no-explicit-any -- Tests look into answers whose form they assert.
export type Loose = any

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly json: Loose
}

export type Ask = (
  method: string,
  path: string,
  body?: unknown,
  token?: string | null,
) => Promise<Answer>

/** Asks the service as an administrator does, or with another token, or without one. */
export function asking({ baseUrl, adminToken }: Api): Ask {
  return async (method, path, body, token = adminToken) => {
    const answer = await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, headers: answer.headers, json: await answer.json() }
  }
}
