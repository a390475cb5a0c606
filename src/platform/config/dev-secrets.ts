import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Environment } from './config.ts'
import { ConfigError } from '../errors.ts'

/**
 * Outside production the admin token and the encryption key may be absent: they are made once, kept
 * in `.data/secrets.json` for all processes started in this folder, and the token is printed once.
 */
export function withDevelopmentSecrets(environment: Environment): Environment {
  if (environment['NODE_ENV'] === 'production') return environment
  if (environment['ADMIN_TOKEN'] && environment['ENCRYPTION_KEYS']) return environment
  const { kept, isNew, file } = keptSecrets(path.resolve('.data'))
  if (isNew && !environment['ADMIN_TOKEN']) {
    process.stderr.write(`admin token (kept in ${file}): ${kept.adminToken}\n`)
  }
  return {
    ...environment,
    ADMIN_TOKEN: environment['ADMIN_TOKEN'] || kept.adminToken,
    ENCRYPTION_KEYS: environment['ENCRYPTION_KEYS'] || kept.encryptionKeys,
  }
}

interface KeptSecrets {
  readonly adminToken: string
  readonly encryptionKeys: string
}

function keptSecrets(folder: string): { kept: KeptSecrets; isNew: boolean; file: string } {
  const file = path.join(folder, 'secrets.json')
  try {
    mkdirSync(folder, { recursive: true })
    const isNew = !existsSync(file) && makeSecrets(file)
    return { kept: JSON.parse(readFileSync(file, 'utf8')) as KeptSecrets, isNew, file }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'not readable'
    throw new ConfigError([
      `ADMIN_TOKEN, ENCRYPTION_KEYS: missing, and ${file} cannot keep made-up ones (${code})`,
    ])
  }
}

/**
 * Processes that start at once agree: the file appears whole, and only one of them can make it
 * appear. Returns whether this one did.
 */
function makeSecrets(file: string): boolean {
  const made: KeptSecrets = {
    adminToken: randomBytes(24).toString('base64url'),
    encryptionKeys: `dev:${randomBytes(32).toString('base64')}`,
  }
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, JSON.stringify(made), { mode: 0o600 })
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft)
  }
}
