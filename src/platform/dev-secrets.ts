import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Environment } from './config.ts'

/**
 * Outside production the admin token and the encryption key may be absent: they are made once, kept
 * in `.data/secrets.json` for all processes started in this folder, and the token is printed once.
 */
export function withDevelopmentSecrets(environment: Environment): Environment {
  if (environment['NODE_ENV'] === 'production') return environment
  if (environment['ADMIN_TOKEN'] && environment['ENCRYPTION_KEYS']) return environment
  const kept = keptSecrets(path.resolve('.data'))
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

function keptSecrets(folder: string): KeptSecrets {
  const file = path.join(folder, 'secrets.json')
  const made: KeptSecrets = {
    adminToken: randomBytes(24).toString('base64url'),
    encryptionKeys: `dev:${randomBytes(32).toString('base64')}`,
  }
  mkdirSync(folder, { recursive: true })
  try {
    // Two processes that start at once agree: only one of them can create the file.
    writeFileSync(file, JSON.stringify(made), { flag: 'wx', mode: 0o600 })
    process.stderr.write(`admin token (kept in ${file}): ${made.adminToken}\n`)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return JSON.parse(readFileSync(file, 'utf8')) as KeptSecrets
}
