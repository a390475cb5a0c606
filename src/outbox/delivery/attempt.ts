import { z } from 'zod'

/** One attempt as it is kept: of what a receiver answered there is its status and nothing else. */
export const Attempt = z.object({
  attempt: z.int(),
  at: z.string(),
  ms: z.int(),
  outcome: z.string(),
})
export type Attempt = z.infer<typeof Attempt>
