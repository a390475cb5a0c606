import { stripVTControlCharacters } from 'node:util'

export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/**
 * Reads the counts from what ava prints. The number of passed tests stands in its summary only when
 * nothing failed; otherwise their ticks are counted. A run that failed without a failed test (a file
 * that does not load, an interrupt) has one failure.
 */
export function countTests(output: string, exitCode: number): TestCounts {
  const text = stripVTControlCharacters(output)
  const sum = (line: RegExp): number =>
    [...text.matchAll(line)].reduce((total, match) => total + Number(match[1]), 0)
  const failed = sum(
    /^ {2}(\d+) (?:(?:tests?|hooks?) failed|uncaught exceptions?|unhandled rejections?|tests? remained pending after a timeout)/gm,
  )
  const ticks = text.match(/^ +[✔√] /gmu)?.length ?? 0
  return {
    passed: exitCode === 0 ? sum(/^ {2}(\d+) tests? passed/gm) : ticks,
    failed: exitCode === 0 ? failed : Math.max(failed, 1),
    skipped: sum(/^ {2}(\d+) tests? (?:skipped|todo)/gm),
  }
}

/** The last line of a run, for people and for programs that count tests. */
export function closingLine({ passed, failed, skipped }: TestCounts): string {
  const line = `${passed} passed, ${failed} failed`
  return skipped === 0 ? line : `${line}, ${skipped} skipped`
}
