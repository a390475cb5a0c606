import { z } from 'zod'
import { ZendeskRefusedError, ZendeskShapeError } from '../../platform/errors.ts'
import { type Reading, readFields } from '../http/read-response.ts'

/** The most users that Zendesk shows at once. */
export const USERS_AT_ONCE = 100

export function usersPath(userIds: readonly number[]): string {
  return `/api/v2/users/show_many.json?ids=${userIds.join(',')}`
}

const usersSchema = z.object({
  users: z.array(z.object({ id: z.int(), role: z.string().nullish() })),
})

/**
 * Who of these users answers for the account. Zendesk leaves out whom it does not know any more; like
 * beside a list of comments, such a one counts as a customer. Names are not read.
 */
export function readStaff(reading: Reading): ReadonlySet<number> {
  if (reading.kind === 'forbidden') {
    throw new ZendeskRefusedError(
      'role_insufficient',
      'users: Zendesk forbids them to this user: connect the account again as an administrator',
    )
  }
  if (reading.kind !== 'answered') {
    throw new ZendeskShapeError('users: Zendesk answers something else than expected')
  }
  const { users } = readFields(usersSchema, reading.value, 'users')
  return new Set(users.filter(({ role }) => isStaffRole(role)).map(({ id }) => id))
}

export function isStaffRole(role: string | null | undefined): boolean {
  return role === 'agent' || role === 'admin'
}
