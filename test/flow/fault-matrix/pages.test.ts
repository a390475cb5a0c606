import test, { type ExecutionContext } from 'ava'
import { type Column, cellsOf, commentColumns, exportColumns } from './cell.ts'
import { changeRows, shapeRows } from './field-rows.ts'
import { importCells } from './import-cells.ts'
import { lastingRows, transientRows } from './rows.ts'
import { tableOf } from './table.ts'

// Each test imports more than two hundred accounts; one after the other they fit on two cores.

test.serial(
  'whatever meets a page of the export loses nothing, doubles nothing and comes to an end',
  (t) => showMatrix(t, 'faults of the export, by page', exportColumns),
)

test.serial(
  'whatever meets a page of comments loses nothing, doubles nothing and comes to an end',
  (t) => showMatrix(t, 'faults of comments, by page', commentColumns),
)

async function showMatrix(
  t: ExecutionContext,
  title: string,
  columns: readonly Column[],
): Promise<void> {
  t.timeout(900_000)
  const rows = [...transientRows, ...lastingRows, ...shapeRows, ...changeRows]

  const results = await importCells(t, cellsOf(rows, columns))

  process.stdout.write(tableOf(title, rows, columns, results))
  const failures = results.filter(({ problems }) => problems.length > 0)
  t.deepEqual(
    failures.map(({ cell, problems }) => [cell.row.name, cell.column.name, problems]),
    [],
  )
}
