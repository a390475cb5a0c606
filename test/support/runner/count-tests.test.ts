import test from 'ava'
import { closingLine, countTests } from './count-tests.ts'

const counts = test.macro({
  title: (title) => title ?? '',
  exec: (t, output: string, exitCode: number, expected: string) => {
    t.is(closingLine(countTests(output, exitCode)), expected)
  },
})

test(
  'a green run counts what its summary says',
  counts,
  '\n  ✔ a › one\n  ✔ a › two\n  ─\n\n  2 tests passed\n',
  0,
  '2 passed, 0 failed',
)
test(
  'colours do not matter',
  counts,
  '\n  \u001B[32m✔\u001B[39m a › one\n\n  \u001B[32m1 test passed\u001B[39m\n',
  0,
  '1 passed, 0 failed',
)
test(
  'skipped tests and those to do are counted apart',
  counts,
  '\n  ✔ a › one\n  - [skip] a › two\n\n  1 test passed\n  1 test skipped\n  2 tests todo\n',
  0,
  '1 passed, 0 failed, 3 skipped',
)
test(
  'a red run counts its ticks, and whatever failed',
  counts,
  '\n  ✔ a › one\n  ✘ [fail]: a › two\n  ─\n\n  1 hook failed\n  1 test failed\n  2 uncaught exceptions\n  1 unhandled rejection\n',
  1,
  '1 passed, 5 failed',
)
test(
  'a run that failed without a failed test has one failure',
  counts,
  '\n  ✔ a › one\n',
  143,
  '1 passed, 1 failed',
)
test('a run without tests passed nothing', counts, '', 1, '0 passed, 1 failed')
