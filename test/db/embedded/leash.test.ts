import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { tmpdir } from 'node:os'
import test from 'ava'
import { spawnOnLeash } from '../../../db/embedded/leash.ts'
import { commandOf } from '../../../db/embedded/process-table.ts'

function leash(script: string) {
  const env = { PATH: '/usr/bin:/bin' }
  const options = { cwd: tmpdir(), env, stdout: 'pipe', stderr: 'inherit' } as const
  return spawnOnLeash(['/bin/sh', '-c', script], options)
}

test('the exit code of the child is handed on', async (t) => {
  t.is(await leash('exit 7').ended, 7)
})

test('a stop ends the child and the children it has', async (t) => {
  const { child, ended, stop } = leash('sleep 1000 & echo $!; wait')
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string]
  const grandchild = Number(line)
  t.truthy(commandOf(grandchild))

  stop()

  t.is(await ended, 143)
  t.falsy(commandOf(grandchild))
})

test('what the child leaves running ends with it', async (t) => {
  const { child, ended } = leash('sleep 1000 & echo $!')
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string]

  t.is(await ended, 0)
  t.falsy(commandOf(Number(line)))
})
