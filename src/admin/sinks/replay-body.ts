import { z } from 'zod'
import { SinkId, TicketId } from '../../ids.ts'

const MOST_TICKETS = 1_000
const EXPECTED_AFTER = 'expected the "sequence" of a publication or the "next" of the feed'

/** `after` is a number of the feed, as a number or, as publications write it, as text. */
export const ReplayBody = z.strictObject({
  after: z
    .union(
      [
        z.int(),
        z
          .string()
          .regex(/^\d{1,16}$/)
          .transform(Number),
      ],
      { error: EXPECTED_AFTER },
    )
    .refine((after) => after >= 0 && Number.isSafeInteger(after), { error: EXPECTED_AFTER })
    .default(0),
  ticket_ids: z
    .array(TicketId)
    .min(1, 'expected at least one ticket')
    .max(MOST_TICKETS, `expected at most ${MOST_TICKETS} tickets`)
    .optional(),
  sink_id: SinkId.optional(),
})
