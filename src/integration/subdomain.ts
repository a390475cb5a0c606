import { Subdomain } from '../ids.ts'

/**
 * The name of a Zendesk account out of what people paste: the bare name, the host, or the address
 * of any page of it. What is left must be one DNS label, so that no other host can be reached.
 */
export function toSubdomain(pasted: string): Subdomain | undefined {
  const text = pasted.trim()
  // Lower-casing turns a few letters of other scripts into ASCII ones, which nobody typed.
  if (!/^[\x21-\x7e]*$/.test(text)) return undefined
  const host = text
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/[/?#].*$/s, '')
  const parsed = Subdomain.safeParse(host.replace(/\.zendesk\.com$/, ''))
  return parsed.success ? parsed.data : undefined
}
