/**
 * Ids are long like Zendesk's (14 digits, below 2^53) and computed, never stored: each kind has its
 * own base, so that a user id in the place of a group id is seen at once. Accounts share them on
 * purpose: code that forgets whose ticket it holds mixes accounts up here as well.
 */
const USER = 36_100_000_000_000
const GROUP = 36_200_000_000_000
const ORGANIZATION = 36_300_000_000_000
const COMMENT = 37_000_000_000_000
const AUDIT = 38_000_000_000_000
const LATER_AUDIT = 39_000_000_000_000
const ATTACHMENT = 40_000_000_000_000

export const BRAND_ID = 36_400_000_000_001
export const FORM_ID = 36_500_000_000_001
export const CUSTOM_STATUS = 36_600_000_000_000
export const TOPIC_FIELD_ID = 36_700_000_000_001
export const PLAN_FIELD_ID = 36_700_000_000_002
export const OAUTH_CLIENT_ID = 36_800_000_000_001

/** Room for Zendesk's 5,000 comments a ticket and for those a test adds. */
export const COMMENTS_PER_TICKET = 8192
/** Room for the child events of one audit. */
const EVENTS_PER_AUDIT = 16

export const SYSTEM_AUTHOR = -1
export const ADMIN_NUMBER = 1
export const AGENTS = 12
/** Between the staff and the customers: the administrator of an account that took a subdomain over. */
export const STRANGER_NUMBER = 500
export const FIRST_END_USER_NUMBER = 1001

export const userId = (number: number): number => USER + number
export const userNumber = (id: number): number => id - USER
export const groupId = (number: number): number => GROUP + number
export const groupNumber = (id: number): number => id - GROUP
export const organizationId = (number: number): number => ORGANIZATION + number

export const commentId = (ticketId: number, index: number): number =>
  COMMENT + ticketId * COMMENTS_PER_TICKET + index
export const commentIndex = (ticketId: number, id: number): number =>
  id - COMMENT - ticketId * COMMENTS_PER_TICKET

/** The audit that wrote a comment; its child events follow it. */
export const auditId = (ticketId: number, index: number): number =>
  AUDIT + (ticketId * COMMENTS_PER_TICKET + index) * EVENTS_PER_AUDIT
/** An audit that a mutation made, numbered over the whole account. */
export const laterAuditId = (sequence: number): number => LATER_AUDIT + sequence * EVENTS_PER_AUDIT

export const attachmentId = (comment: number, position: number): number =>
  ATTACHMENT + (comment - COMMENT) * 4 + position
