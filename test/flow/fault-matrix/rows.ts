import type { FaultKind } from '../../../src/simulator/faults/fault.ts'
import type { Ending, Row, Verdict, Verdicts } from './cell.ts'

const everywhere = (ending: Ending): Verdicts => ({
  export: ending,
  comments: ending,
  me: ending,
  token: ending,
})

/** What Zendesk gets over by itself is tried again, whatever was asked for. */
const passes = everywhere('same')

/** What it does not get over ends the run; one ticket that it cannot show is set aside instead. */
const lasts: Verdicts = { ...everywhere('exhausted'), comments: 'set aside' }

/** The new pair is made and never arrives: the old one is dead by then. */
const losesThePair: Verdicts = { ...passes, token: 'credentials_revoked' }

const once = (name: string, fault: FaultKind, verdicts: Verdicts): Row => ({
  name,
  fault,
  times: 1,
  verdicts,
})

const forEver = (name: string, fault: FaultKind, verdicts: Verdicts): Row => ({
  name: `${name}, for ever`,
  fault,
  times: null,
  verdicts,
})

const status = (code: number, more: object = {}): FaultKind => ({
  kind: 'status',
  status: code,
  ...more,
})
const html = { html: true }
const limited = (retryAfter: string | null, more: object = {}): FaultKind => ({
  kind: 'rate_limited',
  retryAfter,
  ...more,
})

const elsewhere: FaultKind = { kind: 'redirect', location: 'http://127.0.0.1:9/' }

/** The start of the export is ours, so that a refusal is not understood; a cursor has no promised life. */
const refused: Verdicts = {
  export: ['zendesk_shape', 'same', 'same'],
  comments: 'set aside',
  me: 'zendesk_shape',
  token: 'same',
}

const forbidden: Verdicts = {
  export: 'role_insufficient',
  comments: 'set aside',
  me: 'role_insufficient',
  token: 'same',
}

const retryAfters = ['1', '0.05', '0, 0.05', 'Wed, 21 Oct 2015 07:28:00 GMT', 'soon', '']

/**
 * Faults that come once. Of the threads of other projects: `0, 0.05` is airbyte 14112, a 429 on a
 * late page airbyte 14253, HTML and empty answers airbyte 11899, 504 airbyte 63380.
 */
export const transientRows: readonly Row[] = [
  // Before all others, for it takes longest.
  once('hang', { kind: 'hang' }, passes),
  ...retryAfters.map((value) => once(`429 after "${value}"`, limited(value), passes)),
  once('429', limited(null), passes),
  once('429 html', limited(null, html), passes),
  once('400', status(400), refused),
  once('400 html', status(400, html), passes),
  once('401', status(401), passes),
  once('401 html', status(401, html), passes),
  once('403', status(403), forbidden),
  once('403 html', status(403, html), passes),
  once('404', status(404), passes),
  once('404 html', status(404, html), passes),
  once('409', status(409), passes),
  once('422', status(422), refused),
  once('500', status(500), passes),
  once('500 done', status(500, { worked: true }), losesThePair),
  once('502 html', status(502, html), passes),
  once('503', status(503), passes),
  once('503 after "0.05"', status(503, { retryAfter: '0.05' }), passes),
  once('504', status(504), passes),
  once('redirect', elsewhere, passes),
  once('html', { kind: 'html' }, passes),
  once('empty', { kind: 'empty' }, passes),
  once('reset', { kind: 'reset' }, passes),
  once('lost answer', { kind: 'lost_answer' }, losesThePair),
  once('cut answer', { kind: 'cut_answer' }, losesThePair),
  once('truncated', { kind: 'truncated' }, losesThePair),
  once('slow', { kind: 'slow', ms: 300 }, passes),
  once('unknown fields', { kind: 'unknown_fields' }, passes),
  // Only lists have pages. A first page that names itself as the next one is a form of its own.
  once('page too big', { kind: 'page_too_big', above: 10 }, pagesOnly('same', null)),
  once('unmoved cursor', { kind: 'unmoved_cursor' }, pagesOnly('same', 'zendesk_shape')),
  // Before the first page there is none that could come again.
  once(
    'repeated page',
    { kind: 'repeated_page' },
    {
      ...pagesOnly([null, 'same', 'same'], null),
      comments: [null, 'same', 'same'],
    },
  ),
]

/**
 * Faults that stay. A hang for ever is left out: five timeouts of half a minute and more would show
 * what the other failures without an answer show.
 */
export const lastingRows: readonly Row[] = [
  forEver('429', limited('0.05'), everywhere('exhausted')),
  forEver('429 html', limited(null, html), everywhere('exhausted')),
  forEver('400', status(400), {
    ...refused,
    export: ['zendesk_shape', 'zendesk_shape', 'zendesk_shape'],
    token: 'exhausted',
  }),
  forEver('401', status(401), { ...everywhere('credentials_revoked'), token: 'exhausted' }),
  forEver('403', status(403), { ...forbidden, token: 'exhausted' }),
  forEver('403 html', status(403, html), lasts),
  forEver('404', status(404), { ...lasts, comments: 'gone' }),
  forEver('404 html', status(404, html), lasts),
  forEver('409', status(409), lasts),
  forEver('500', status(500), lasts),
  forEver('502 html', status(502, html), lasts),
  forEver('503', status(503), lasts),
  forEver('503 after "0.05"', status(503, { retryAfter: '0.05' }), everywhere('exhausted')),
  forEver('504', status(504), lasts),
  forEver('redirect', elsewhere, lasts),
  forEver('html', { kind: 'html' }, lasts),
  forEver('empty', { kind: 'empty' }, lasts),
  forEver('reset', { kind: 'reset' }, lasts),
  forEver('cut answer', { kind: 'cut_answer' }, lasts),
  forEver('truncated', { kind: 'truncated' }, lasts),
  forEver('unknown fields', { kind: 'unknown_fields' }, passes),
  // The estuary connector and airbyte 63380: pages that are too large are asked for in halves.
  forEver('page too big', { kind: 'page_too_big', above: 10 }, pagesOnly('same', null)),
  // dlt 629, tap-zendesk 46 and PostHog 59215: read for ever, or until memory ends.
  forEver(
    'unmoved cursor',
    { kind: 'unmoved_cursor' },
    pagesOnly('zendesk_shape', 'zendesk_shape'),
  ),
]

/** Of the comments of a ticket the pages behind the first. */
function pagesOnly(exported: Verdicts['export'], comments: Verdict): Verdicts {
  const isSame = comments !== null && exported === 'same'
  return {
    export: exported,
    comments: isSame ? [comments, 'same', 'same'] : comments,
    me: null,
    token: null,
  }
}
