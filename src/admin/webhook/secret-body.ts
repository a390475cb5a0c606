import { z } from 'zod'
import { PUBLIC_TEST_SECRET } from '../../credential/webhook/test-secret.ts'

/** Zendesk's secrets have 44 characters; what is much shorter or longer was copied badly. */
const LENGTHS = { least: 16, most: 200 }

export function secretBody(isProduction: boolean) {
  const secret = z
    .string('expected the signing secret as Zendesk shows it')
    .trim()
    .min(LENGTHS.least, `expected at least ${LENGTHS.least} characters`)
    .max(LENGTHS.most, `expected at most ${LENGTHS.most} characters`)
    .regex(/^[\x21-\x7e]*$/, 'expected ASCII characters without spaces')
    .refine((text) => !isProduction || text !== PUBLIC_TEST_SECRET, {
      error: 'everybody knows this secret: it is for tests of webhooks that are not saved yet',
    })
  return z.strictObject({ secret })
}
