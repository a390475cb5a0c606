import { hashText, mix } from '../world/hash.ts'
import { ADMIN_NUMBER, STRANGER_NUMBER, groupId, userId } from '../world/ids.ts'
import { isoSeconds } from '../world/clock.ts'
import { GROUP_NAMES } from '../text/replies.ts'
import { userJson, userOf } from '../world/user.ts'
import type { Answer, Call } from './answer.ts'
import { ok, recordNotFound, tooManyValues } from './answer.ts'
import { usersOf } from './sideload.ts'

/**
 * Who the token belongs to. Without a token, or when the account is set so, the answer is 200 with
 * a user that has no id: only a reader who looks at the id notices.
 */
export function currentUser(call: Call): Answer {
  const { settings, tickets } = call.account
  if (call.grant === null || settings.anonymous) return ok({ user: anonymousUser(call) })
  const user = userOf(tickets.world, tickets.users, userId(ADMIN_NUMBER))
  if (user === null) return ok({ user: anonymousUser(call) })
  // Zendesk numbers users over all accounts; here only this one has to tell two of them apart.
  const id = settings.takenBy === null ? user.id : userId(STRANGER_NUMBER)
  const json = userJson({ ...user, id, role: settings.role }, call.base)
  const noise = mix(hashText(call.account.subdomain), call.grant.id)
  return ok({ user: { ...json, authenticity_token: `${noise.toString(36)}-authenticity` } })
}

export function showUser(call: Call): Answer {
  const { tickets } = call.account
  const user = userOf(tickets.world, tickets.users, Number(call.params[0]))
  return user === null ? recordNotFound : ok({ user: userJson(user, call.base) })
}

/** At most 100 ids; unknown ones are left out without a word. */
export function showManyUsers(call: Call): Answer {
  const ids = idsOf(call)
  if (ids.length > 100) return tooManyValues
  const users = usersOf(call, ids)
  return ok({ users, next_page: null, previous_page: null, count: users.length })
}

export function idsOf(call: Call): readonly number[] {
  return (call.query.get('ids') ?? '')
    .split(',')
    .filter((text) => text.trim() !== '')
    .map(Number)
}

export function listGroups(call: Call): Answer {
  const { world } = call.account.tickets
  const groups = GROUP_NAMES.map((name, index) => ({
    url: `${call.base}/api/v2/groups/${groupId(index + 1)}.json`,
    id: groupId(index + 1),
    is_public: true,
    name,
    description: '',
    default: index === 0,
    deleted: false,
    created_at: isoSeconds(world.firstAt - 86_400 * 900),
    updated_at: isoSeconds(world.firstAt - 86_400 * 30),
  }))
  return ok({ groups, next_page: null, previous_page: null, count: groups.length })
}

export function accountSettings(call: Call): Answer {
  return ok({
    settings: {
      branding: { header_color: '03363D', page_background_color: '333333' },
      api: {
        accepted_api_agreement: true,
        api_password_access: 'false',
        api_token_access: 'false',
      },
      tickets: { comments_public_by_default: true, emoji_autocompletion: true },
      localization: { locale_ids: [1] },
      subdomain: call.account.subdomain,
    },
  })
}

function anonymousUser(call: Call): Record<string, unknown> {
  return {
    id: null,
    url: `${call.base}/api/v2/users/.json`,
    name: 'Anonymous user',
    email: 'invalid@example.com',
    created_at: null,
    updated_at: null,
    time_zone: 'America/New_York',
    phone: null,
    photo: null,
    locale_id: 1,
    locale: 'en-US',
    organization_id: null,
    role: 'end-user',
    verified: false,
    authenticity_token: null,
  }
}
