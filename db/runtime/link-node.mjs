// Old npm versions lose `.bin/node` when several platform packages share that name. Plain JavaScript: npm's own Node runs it.
import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const modules = join(import.meta.dirname, '..', '..', 'node_modules')
const names = [
  `node-${process.platform}-${process.arch}`,
  `node-bin-${process.platform}-${process.arch}`,
]
const name = names.find((name) => existsSync(join(modules, name, 'bin', 'node')))
const link = join(modules, '.bin', 'node')
if (name !== undefined && !existsSync(link)) symlinkSync(join('..', name, 'bin', 'node'), link)
