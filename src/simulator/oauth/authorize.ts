import type { Answer, Call } from '../api/answer.ts'
import type { OAuthClient } from '../options.ts'

interface Asked {
  readonly redirectUri: string
  readonly scopes: readonly string[]
  readonly state: string | null
  readonly challenge: string | null
}

/**
 * The consent page. A wrong client or redirect address is told to the person and never redirected:
 * everything else that is wrong, and the person's answer, goes back to the client's address.
 */
export function showConsent(call: Call): Answer {
  const asked = check(call, call.query)
  if ('status' in asked) return asked
  const { consent } = call.account.settings
  if (consent === 'page') return consentPage(call)
  return consent === 'deny' ? denied(asked) : allowed(call, asked)
}

/** The form of the consent page. */
export function decideConsent(call: Call): Answer {
  const form = new URLSearchParams(Object.entries((call.body ?? {}) as Record<string, string>))
  const asked = check(call, form)
  if ('status' in asked) return asked
  return form.get('decision') === 'allow' ? allowed(call, asked) : denied(asked)
}

export function isRedirectAllowed(client: OAuthClient, uri: string): boolean {
  if (client.redirectUris === 'any') return URL.canParse(uri)
  if (client.redirectUris !== 'loopback') return client.redirectUris.includes(uri)
  if (!URL.canParse(uri)) return false
  const { hostname, protocol } = new URL(uri)
  return ['localhost', '127.0.0.1'].includes(hostname) && ['http:', 'https:'].includes(protocol)
}

function check(call: Call, query: URLSearchParams): Asked | Answer {
  const { client } = call.account
  const redirectUri = query.get('redirect_uri') ?? ''
  if (query.get('client_id') !== client.id) return errorPage('No such client', 401)
  if (!isRedirectAllowed(client, redirectUri)) {
    return errorPage('Invalid redirect_uri: it must equal a registered address', 400)
  }
  const state = query.get('state')
  const scopes = (query.get('scope') ?? '').split(/\s+/).filter((scope) => scope !== '')
  const challenge = query.get('code_challenge')
  const refuse = (error: string): Answer => redirect(redirectUri, { error }, state)
  if (query.get('response_type') !== 'code') return refuse('unsupported_response_type')
  if (scopes.some((scope) => !client.scopes.includes(scope))) return refuse('invalid_scope')
  if (challenge !== null && query.get('code_challenge_method') !== 'S256') {
    return refuse('invalid_request')
  }
  return { redirectUri, scopes, state, challenge }
}

function allowed(call: Call, asked: Asked): Answer {
  const { client, grants } = call.account
  const code = grants.addCode({
    clientId: client.id,
    redirectUri: asked.redirectUri,
    challenge: asked.challenge,
    scopes: asked.scopes,
  })
  return redirect(asked.redirectUri, { code }, asked.state)
}

function denied(asked: Asked): Answer {
  const error_description = 'The end-user or authorization server denied the request.'
  return redirect(asked.redirectUri, { error: 'access_denied', error_description }, asked.state)
}

function redirect(uri: string, fields: Record<string, string>, state: string | null): Answer {
  const target = new URL(uri)
  for (const [name, value] of Object.entries(fields)) target.searchParams.set(name, value)
  if (state !== null) target.searchParams.set('state', state)
  return { status: 302, headers: { Location: target.href }, text: '', contentType: 'text/html' }
}

function errorPage(message: string, status: number): Answer {
  return {
    status,
    text: `<!doctype html><title>Authorization error</title><h1>${message}</h1>`,
    contentType: 'text/html; charset=utf-8',
  }
}

function consentPage(call: Call): Answer {
  const fields = [...call.query]
    .map(([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`)
    .join('')
  const text = [
    `<!doctype html><title>Allow access?</title><h1>${call.account.subdomain}: allow access?</h1>`,
    `<form method="post" action="${call.base}/oauth/authorizations">${fields}`,
    '<button name="decision" value="allow">Allow</button>',
    '<button name="decision" value="deny">Deny</button></form>',
  ].join('\n')
  return { status: 200, text, contentType: 'text/html; charset=utf-8' }
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}
