import type { Answer, Call } from '../api/answer.ts'
import { invalidValue } from '../api/answer.ts'

export interface TimePage<Row> {
  readonly rows: readonly Row[]
  readonly endTime: number
  readonly isEnd: boolean
}

/**
 * A page of an export by time never cuts a second in two: rows of the last second come beyond the
 * asked size. The next page begins with that second again, unless the page held nothing else:
 * then it begins one second later.
 */
export function pageByTime<Row>(
  source: Iterable<Row>,
  secondOf: (row: Row) => number,
  start: number,
  size: number,
): TimePage<Row> {
  const rows: Row[] = []
  let first = start
  let last = start
  let isEnd = true
  for (const row of source) {
    const second = secondOf(row)
    if (rows.length >= size && second !== last) {
      isEnd = false
      break
    }
    if (rows.length === 0) first = second
    last = second
    rows.push(row)
  }
  const isOneSecond = rows.length > 0 && first === last
  return { rows, endTime: isOneSecond ? last + 1 : last, isEnd }
}

/** `start_time` of a request, or the refusal of one that is missing, malformed or too recent. */
export function startTimeOf(call: Call): number | Answer {
  const { clock, settings } = call.account
  const given = call.query.get('start_time')
  const start = given === null || given === '' ? Number.NaN : Number(given)
  if (!Number.isInteger(start) || start < 0) {
    return invalidValue('start_time is required and must be an integer', 400)
  }
  if (start * 1000 > clock.now() - clock.minuteMs) {
    return invalidValue(
      'Too recent start_time. Use a start_time older than 1 minute',
      settings.tooRecentStatus,
    )
  }
  return start
}
