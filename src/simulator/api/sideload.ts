import type { Setting } from '../ticket/comment-json.ts'
import { userJson, userOf } from '../world/user.ts'
import type { Call } from './answer.ts'

export function settingOf(call: Call): Setting {
  const { tickets } = call.account
  return { world: tickets.world, users: tickets.users, base: call.base }
}

/** What a request wants beside its rows. */
export function includesOf(call: Call): ReadonlySet<string> {
  const names = call.query.get('include')?.split(',') ?? []
  return new Set(names.map((name) => name.trim()))
}

/** Each user once, in the order of first mention; wiped ones and the system are left out. */
export function usersOf(call: Call, ids: readonly number[]): readonly Record<string, unknown>[] {
  const { tickets } = call.account
  const users: Record<string, unknown>[] = []
  for (const id of new Set(ids)) {
    const user = userOf(tickets.world, tickets.users, id)
    if (user !== null) users.push(userJson(user, call.base))
  }
  return users
}
