import type { Subdomain } from '../../ids.ts'

/** Where an account lives; every request goes to a path below it and to nowhere else. */
export function accountAddress(urlTemplate: string, subdomain: Subdomain): string {
  return urlTemplate.replaceAll('{subdomain}', subdomain)
}

/** Names that mean this machine (RFC 6761), whatever a resolver says of them. */
export function isLoopbackName(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost')
}
