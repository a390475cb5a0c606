import type { Account } from '../account.ts'
import type { Grant } from '../oauth/grants.ts'
import type { Answer } from './answer.ts'
import { invalidToken, notAuthenticated, roleForbidden, scopeForbidden } from './answer.ts'
import type { Route } from './routes.ts'

export type Access = { readonly grant: Grant | null } | { readonly refusal: Answer }

const NOBODY: Access = { grant: null }

/** Whether a request with this `Authorization` header may use this route. */
export function checkAccess(account: Account, route: Route, header: string | undefined): Access {
  if (route.access === 'open') return NOBODY
  if (header === undefined) {
    return route.access === 'anyone' ? NOBODY : { refusal: notAuthenticated }
  }
  const token = /^Bearer (.+)$/i.exec(header)?.[1]
  if (token === undefined) return { refusal: notAuthenticated }
  const grant = account.grants.authenticate(token)
  if (grant === null) return { refusal: invalidToken }
  const missing = missingScope(route, grant)
  if (missing !== null) return { refusal: scopeForbidden(missing) }
  if (route.access === 'admin' && account.settings.role !== 'admin') {
    return { refusal: roleForbidden }
  }
  return { grant }
}

function missingScope(route: Route, grant: Grant): string | null {
  if (route.resource === '*') return null
  const kind = route.method === 'GET' ? 'read' : 'write'
  const isOpen = grant.scopes.includes(kind) || grant.scopes.includes(`${route.resource}:${kind}`)
  return isOpen ? null : kind
}
