import { createHash, randomBytes } from 'node:crypto'
import { DEFAULT_CLIENT } from '../../src/simulator/options.ts'

const REDIRECT_URI = 'http://127.0.0.1/callback'

/** An access token of the simulated account, for the script that is measured beside ours. */
export async function obtainToken(baseUrl: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: DEFAULT_CLIENT.id,
    redirect_uri: REDIRECT_URI,
    scope: 'read',
    state: 'bench',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const consent = await fetch(`${baseUrl}/oauth/authorizations/new?${query}`, {
    redirect: 'manual',
  })
  const code = new URL(consent.headers.get('location') ?? '').searchParams.get('code')
  const answer = await fetch(`${baseUrl}/oauth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      grant_type: 'authorization_code',
      code,
      client_id: DEFAULT_CLIENT.id,
      client_secret: DEFAULT_CLIENT.secret,
      redirect_uri: REDIRECT_URI,
      code_verifier: verifier,
      scope: 'read',
      expires_in: 86_400,
      refresh_token_expires_in: 2_592_000,
    }),
  })
  const { access_token: token } = (await answer.json()) as { access_token: string }
  return token
}
