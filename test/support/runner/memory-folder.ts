import { readFileSync, statfsSync } from 'node:fs'

/** Where Linux has a file system in memory that everybody may use. */
const FOLDER = '/dev/shm'

/** A run takes 0.7 GiB here, with its log. Containers often have no more than 64 MiB. */
const ROOM = 3 * 2 ** 30

/**
 * A folder in memory for the server of a run. Each test has a database of its own, which is five
 * hundred files: on a disk their making and removal costs ten times as much as in memory, and more
 * than all else that the tests do. Without such a folder, or without room in it, there is none: the
 * tests then run on the disk.
 */
export function memoryFolder(): string | undefined {
  if (!isMemory(FOLDER) || process.availableMemory() < 2 * ROOM) return undefined
  const { bavail, bsize } = statfsSync(FOLDER)
  return bavail * bsize < ROOM ? undefined : FOLDER
}

/** Programs must be able to start from it, for beside its data a server may keep its binaries. */
function isMemory(folder: string): boolean {
  const mounts = process.platform === 'linux' ? readFileSync('/proc/mounts', 'utf8') : ''
  return mounts.split('\n').some((line) => {
    const [, path, type, options = ''] = line.split(' ')
    return path === folder && type === 'tmpfs' && !options.split(',').includes('noexec')
  })
}
