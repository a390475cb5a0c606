import type { ZendeskUnavailableError } from '../../platform/errors.ts'

/** The code of an error of the network: a word of our own platform, never something from outside. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'no code'
}

const TOO_LARGE = new Set(['ETIMEDOUT', 'UND_ERR_RES_EXCEEDED_MAX_SIZE', 'ERR_BUFFER_TOO_LARGE'])

/** Whether less would have gone through: the answer took too long, or was more than we take. */
export function isTooLarge(error: ZendeskUnavailableError): boolean {
  return error.status === 504 || TOO_LARGE.has(codeOf(error.cause))
}
