import test from 'ava'
import { eraseOnce } from '../../../src/housekeeping/erase-once.ts'
import { aFeedApi, get } from '../../support/feed-api.ts'
import { aTranscript, aTurn, publish, retract } from '../../support/outbox-rows.ts'

interface Publication {
  readonly id: string
  readonly erased?: true
  readonly type: string
  readonly sequence: string
  readonly transcript: { readonly id: string; readonly revision: number; readonly text?: string }
}

/** What a reader holds that keeps the newest of each transcript. */
function heldAfter(publications: readonly Publication[]): Record<string, string> {
  return Object.fromEntries(
    publications.map(({ type, transcript }) => [transcript.id, transcript.text ?? type]),
  )
}

test('who reads after texts were erased holds in the end what an early reader holds', async (t) => {
  const { url, db, feed } = await aFeedApi(t)
  const said = (text: string) => aTranscript([aTurn({ text })])
  await publish(db, feed, { ticketId: 1, transcript: said('my number is 4711') })
  await publish(db, feed, { ticketId: 2, transcript: said('delete me') })
  await publish(db, feed, { ticketId: 1, revision: 2, transcript: said('my number is ▇▇▇▇') })
  await retract(db, feed, { ticketId: 2, revision: 2, reason: 'deleted' })

  const early = await get(`${url}/w1/transcripts`)
  await eraseOnce({ db, sinks: [] }, new AbortController().signal)
  const late = await get(`${url}/w1/transcripts`)

  t.is(early.body.data.length, 4)
  t.deepEqual(
    late.body.data.map(({ sequence, transcript }: Publication) => [sequence, transcript.revision]),
    [
      ['1', 1],
      ['2', 1],
      ['3', 2],
      ['4', 2],
    ],
  )
  t.deepEqual(
    late.body.data.map(({ erased }: Publication) => erased),
    [true, true, undefined, undefined],
  )
  t.deepEqual(late.body.data[0].transcript.turns, [])
  t.deepEqual(
    late.body.data.map(({ id }: Publication) => id),
    early.body.data.map(({ id }: Publication) => id),
  )
  t.is(late.body.next, early.body.next)
  t.deepEqual(heldAfter(late.body.data), heldAfter(early.body.data))
  t.notRegex(JSON.stringify(late.body), /4711|delete me/)
})
