import { isoSeconds } from './clock.ts'
import { hex, mix, pick } from './hash.ts'
import {
  ADMIN_NUMBER,
  AGENTS,
  FIRST_END_USER_NUMBER,
  groupId,
  organizationId,
  userId,
  userNumber,
} from './ids.ts'
import { FIRST_NAMES, LAST_NAMES } from '../text/replies.ts'
import { personalToken } from './tokens.ts'
import type { World } from './world.ts'

export interface User {
  readonly id: number
  readonly name: string
  readonly email: string
  readonly role: 'end-user' | 'agent' | 'admin'
  readonly isActive: boolean
  readonly isSuspended: boolean
  readonly createdAt: number
  readonly organizationId: number | null
  readonly groupId: number | null
}

/** What mutations did to users; the users themselves are computed from their number. */
export interface UserChanges {
  /** Suspended by marking a ticket as spam. */
  readonly suspended: Set<number>
  /** Deleted but still readable. */
  readonly inactive: Set<number>
  /** Wiped for good: absent from every answer. */
  readonly vanished: Set<number>
  /** From the user who was merged away to the one who took over. */
  readonly merged: Map<number, number>
}

export function createUserChanges(): UserChanges {
  return { suspended: new Set(), inactive: new Set(), vanished: new Set(), merged: new Map() }
}

/** Who a user is after merges. */
export function presentId(changes: UserChanges, id: number): number {
  return changes.merged.get(id) ?? id
}

/** The user behind an id; `null` for an id without one and for those that are wiped. */
export function userOf(world: World, changes: UserChanges, id: number): User | null {
  const number = userNumber(id)
  const isStaff = number >= ADMIN_NUMBER && number <= ADMIN_NUMBER + AGENTS
  const isCustomer = isEndUserNumber(world, number)
  if (!isStaff && !isCustomer) return null
  if (isVanished(world, changes, id)) return null
  const hash = mix(mix(world.hash, 0x05e2), number)
  const first = pick(FIRST_NAMES, hash)
  const last = pick(LAST_NAMES, mix(hash, 1))
  const token = personalToken(world.hash, number)
  return {
    id,
    name: `${first} ${last} ${token}`,
    email: `${asciiLetters(first)}.${asciiLetters(last)}.${token}@example.com`,
    role: number === ADMIN_NUMBER ? 'admin' : isStaff ? 'agent' : 'end-user',
    isActive: !changes.inactive.has(id) && (number <= ADMIN_NUMBER || mix(hash, 2) % 40 > 0),
    isSuspended: changes.suspended.has(id),
    createdAt: world.firstAt - 86_400 * (1 + (mix(hash, 3) % 900)),
    organizationId: isCustomer && hash % 3 > 0 ? organizationId(1 + (number % 50)) : null,
    groupId: isStaff ? groupId(1 + (hash % 6)) : null,
  }
}

/** Roles outlive their users: the oracle asks for those of wiped authors as well. */
export function isStaffId(id: number): boolean {
  const number = userNumber(id)
  return number >= ADMIN_NUMBER && number <= ADMIN_NUMBER + AGENTS
}

/** About one customer in a hundred was wiped before the start. */
export function isVanished(world: World, changes: UserChanges, id: number): boolean {
  if (changes.vanished.has(id)) return true
  return !isStaffId(id) && mix(mix(world.hash, 0x0dead), userNumber(id)) % 97 === 0
}

/** A customer who was not wiped before the start, near the given number. */
export function presentCustomer(world: World, changes: UserChanges, number: number): number {
  for (let step = 0; step < world.endUsers; step++) {
    const id = userId(FIRST_END_USER_NUMBER + ((number + step) % world.endUsers))
    if (!isVanished(world, changes, id)) return id
  }
  return userId(FIRST_END_USER_NUMBER)
}

/** A documentation address that no two persons share. */
export function addressOf(world: World, id: number): string {
  const hash = mix(mix(world.hash, 0x1b), userNumber(id))
  return `2001:db8:${hex(hash & 0xffff, 4)}:${hex(hash >>> 16, 4)}::${userNumber(id).toString(16)}`
}

export function userJson(user: User, base: string): Record<string, unknown> {
  return {
    id: user.id,
    url: `${base}/api/v2/users/${user.id}.json`,
    name: user.name,
    email: user.email,
    created_at: isoSeconds(user.createdAt),
    updated_at: isoSeconds(user.createdAt + 3600),
    time_zone: 'America/New_York',
    iana_time_zone: 'America/New_York',
    phone: null,
    shared_phone_number: null,
    photo: null,
    locale_id: 1,
    locale: 'en-US',
    organization_id: user.organizationId,
    role: user.role,
    verified: true,
    external_id: null,
    tags: [],
    alias: '',
    active: user.isActive,
    shared: false,
    shared_agent: false,
    last_login_at: isoSeconds(user.createdAt + 7200),
    two_factor_auth_enabled: null,
    signature: null,
    details: '',
    notes: '',
    role_type: user.role === 'admin' ? 4 : user.role === 'agent' ? 0 : null,
    custom_role_id: null,
    moderator: user.role !== 'end-user',
    ticket_restriction: user.role === 'end-user' ? 'requested' : null,
    only_private_comments: false,
    restricted_agent: user.role !== 'admin',
    suspended: user.isSuspended,
    default_group_id: user.groupId,
    report_csv: user.role === 'admin',
    user_fields: {},
  }
}

function isEndUserNumber(world: World, number: number): boolean {
  return number >= FIRST_END_USER_NUMBER && number < FIRST_END_USER_NUMBER + world.endUsers
}

function asciiLetters(name: string): string {
  return name
    .normalize('NFD')
    .replaceAll(/[^A-Za-z]/g, '')
    .toLowerCase()
}
