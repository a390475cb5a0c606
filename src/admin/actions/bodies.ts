import { z } from 'zod'

const expected = 'expected a whole number of days from 1 to 3650'

export const BackfillBody = z.strictObject({
  days: z.int(expected).min(1, expected).max(3650, expected).optional(),
})

export const NoBody = z.strictObject({})

export const DisconnectQuery = z.object({
  purge: z.enum(['true', 'false'], { error: 'expected true or false' }).optional(),
})
