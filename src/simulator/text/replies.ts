/** What agents answer in public, and what they note in private. */
export const AGENT_REPLIES = [
  'Thanks for writing in. I could reproduce this with the {product} and passed it to our engineers.',
  'Sorry for the trouble! Could you tell me the exact time at which it happened last, and the browser you used?',
  'We shipped a fix for the {product} an hour ago. Please reload twice and let me know whether it is gone.',
  'This is by design, but I see why it is confusing. I added your vote to the request.',
  'I corrected it in your account. The change shows within a few minutes.',
  'Here is how:\n\n1. Open the {product}.\n2. Choose Settings & members.\n3. Switch the option on.\n\nTell me if any step looks different for you.',
  'Happy to help! I am closing this for now; a reply opens it again.',
  'Our specialist looked at it {detail} and found the cause. Details will follow by tomorrow evening.',
] as const

export const PRIVATE_NOTES = [
  'Internal: same cause as the outage of last week, do not promise a date.',
  'Internal: account is up for renewal, sales wants to be kept in the loop.',
  'Internal: customer called twice and was rude, please answer quickly.',
  'Internal: I checked the logs of the {product}; the key was rotated on our side.',
  'Internal: refund approved by finance, up to 20 %.',
  'Internal: escalated to the engineers, waiting {detail}.',
] as const

export const PRIVATE_OPENINGS = [
  'Internal: opened on behalf of the customer after a call about the {product}.',
  'Internal: follow-up from the account review, the {product} does not work {detail}.',
] as const

export const ASIDES = [
  'Added from a second address: we see the same with the {product}.',
  'Copying in from our side, this affects the whole office {detail}.',
] as const

export const CLOSINGS = ['', '', 'Best regards', 'Thanks', 'Cheers', 'Kind regards'] as const

export const FIRST_NAMES = [
  'Ana',
  'Bram',
  'Chidi',
  'Dana',
  'Elif',
  'Farid',
  'Greta',
  'Hiro',
  'Ines',
  'Jonas',
  'Kavya',
  'Léa',
  'Mateo',
  'Noor',
  'Olga',
  'Priya',
] as const

export const LAST_NAMES = [
  'Alvarez',
  'Bianchi',
  'Cohen',
  'Duarte',
  'Eriksen',
  'Fischer',
  'Garcia',
  'Haddad',
  'Ito',
  'Jansen',
  'Kowalski',
  'Lindqvist',
  'Moreau',
  'Nakamura',
  "O'Brien",
  'Petrov',
] as const

export const CITIES = [
  'Lisbon, 11, Portugal',
  'Utrecht, 09, Netherlands',
  'Osaka, 27, Japan',
  'Austin, TX, United States',
  'Lyon, ARA, France',
  'Pune, MH, India',
] as const

export const GROUP_NAMES = [
  'Support',
  'Billing',
  'Engineering',
  'Sales',
  'Success',
  'Escalations',
] as const

export const EXTRA_TAGS = [
  'vip',
  'enterprise',
  'trial',
  'mobile',
  'api',
  'export',
  'invoice',
  'sso',
  'internal',
  'accessibility',
] as const
