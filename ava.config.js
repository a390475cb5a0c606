/** Folders and files whose tests take longest. What starts last should be short, or a core is idle. */
const FIRST = [
  'test/crash/',
  'test/flow/fault-matrix/',
  'test/db/plans',
  'test/fuzz/',
  'test/flow/',
]

const rank = (file) => {
  const place = FIRST.findIndex((part) => file.includes(part))
  return place === -1 ? FIRST.length : place
}

// oxlint-disable-next-line import/no-default-export -- ava reads its configuration from it.
export default {
  extensions: ['ts'],
  files: ['test/**/*.test.ts'],
  workerThreads: false,
  sortTestFiles: (one, other) => rank(one) - rank(other) || one.localeCompare(other),
}
