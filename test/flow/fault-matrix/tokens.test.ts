import test from 'ava'
import { cellsOf, tokenColumns } from './cell.ts'
import { changeRows, shapeRows } from './field-rows.ts'
import { importCells } from './import-cells.ts'
import { lastingRows, transientRows } from './rows.ts'
import { tableOf } from './table.ts'

test('whatever meets a refresh or the question whose token it is loses nothing, doubles nothing and comes to an end', async (t) => {
  t.timeout(900_000)
  const rows = [...transientRows, ...lastingRows, ...shapeRows, ...changeRows]

  const results = await importCells(t, cellsOf(rows, tokenColumns))

  process.stdout.write(
    tableOf('faults of users/me and of a refresh, by what it was for', rows, tokenColumns, results),
  )
  const failures = results.filter(({ problems }) => problems.length > 0)
  t.deepEqual(
    failures.map(({ cell, problems }) => [cell.row.name, cell.column.name, problems]),
    [],
  )
})
