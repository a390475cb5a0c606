// Old npm versions lose `.bin/node` when several platform packages share that name. Plain JavaScript:
// npm's own Node runs it.
import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const modules = join(import.meta.dirname, '..', '..', 'node_modules')
const platform = `${process.platform}-${process.arch}`
const name = [`node-${platform}`, `node-bin-${platform}`].find((package_) =>
  existsSync(join(modules, package_, 'bin', 'node')),
)
const link = join(modules, '.bin', 'node')
if (name !== undefined && !existsSync(link)) symlinkSync(join('..', name, 'bin', 'node'), link)

const [major, minor] = process.versions.node.split('.').map(Number)
if (name === undefined && (major < 24 || (major === 24 && minor < 12))) {
  process.stderr.write(
    `This Node is ${process.versions.node}, and npm has installed no newer one for ${platform}: ` +
      'run "npm ci" with its optional and development dependencies, or with Node 24.12 or later.\n',
  )
  process.exitCode = 1
}
