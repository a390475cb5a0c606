import { readFileSync } from 'node:fs'
import { z } from 'zod'

const PackageJson = z.object({ version: z.string() })

/** The version of this service, of which there is one place: package.json. */
export function readVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return PackageJson.parse(JSON.parse(text)).version
}
