/** What people write to support about. `{product}` and `{detail}` are filled in per ticket. */
export interface Topic {
  readonly tag: string
  readonly type: 'question' | 'incident' | 'problem' | 'task' | null
  readonly subjects: readonly string[]
  readonly openings: readonly string[]
  readonly followUps: readonly string[]
}

export const PRODUCTS = [
  'Harbor dashboard',
  'Harbor mobile app',
  'Harbor API',
  'weekly report',
  'import wizard',
  'billing portal',
  'team inbox',
  'calendar sync',
  'customer survey',
  'audit log',
] as const

export const DETAILS = [
  'since the update on Tuesday',
  'for about half of our team',
  'only in Safari',
  'on the Enterprise plan',
  'when more than 500 rows are selected',
  'with single sign-on switched on',
  'on Android 15',
  'in the European region',
  'for users without admin rights',
  'every morning around nine',
] as const

export const TOPICS: readonly Topic[] = [
  {
    tag: 'bug',
    type: 'incident',
    subjects: [
      '{product} does not load',
      'Blank page in the {product}',
      '{product} keeps crashing',
    ],
    openings: [
      'Hello, the {product} shows a blank page {detail}. Reloading helps for a minute, then it is gone again.',
      'Hi team, our {product} crashes {detail}. We tried two machines & three browsers.',
    ],
    followUps: [
      'I cleared the cache as you asked, no change. The console says "Cannot read properties of null".',
      'It happened again this morning {detail}. Could someone look at our account directly?',
    ],
  },
  {
    tag: 'performance',
    type: 'problem',
    subjects: ['{product} is very slow', 'Timeouts in the {product}'],
    openings: [
      'The {product} takes more than 40 seconds to open {detail}. It used to take two.',
      'Since last week everything in the {product} is slow {detail}. My colleagues have stopped using it.',
    ],
    followUps: [
      'We measured again: 38 seconds on the first load, 12 on the second.',
      'Smaller date ranges work, a full quarter still times out.',
    ],
  },
  {
    tag: 'billing',
    type: 'question',
    subjects: [
      'Invoice shows the wrong number of seats',
      'Charged twice this month',
      'VAT on invoice',
    ],
    openings: [
      'Hello, our latest invoice lists 42 seats but we have 35 {detail}. Can you correct it, please?',
      'We were charged twice for the {product}. Please refund one of the two payments.',
    ],
    followUps: [
      'Thank you, the credit note arrived. The amount is right, the address is still the old one.',
      'Our accountant asks for the invoice as a PDF with the VAT number on it.',
    ],
  },
  {
    tag: 'feature_request',
    type: 'task',
    subjects: ['Request: export of the {product} to CSV', 'Please add dark mode to the {product}'],
    openings: [
      'It would help us a lot if the {product} could be exported to CSV on a schedule. At present someone copies 300 rows by hand every Friday.',
      'Feature request: a dark mode for the {product}. Our night shift would be grateful {detail}.',
    ],
    followUps: [
      'A nightly e-mail with the file attached would be enough for us, no need for an interface.',
      'Is there a public roadmap where I can vote for this?',
    ],
  },
  {
    tag: 'praise',
    type: null,
    subjects: ['The new {product} is great', 'Thank you'],
    openings: [
      'Just wanted to say that the new {product} saves me an hour a day. Whoever drew that chart deserves a medal 🎉',
      'Your colleague solved in ten minutes what our own team could not in a week. Thank you so much!',
    ],
    followUps: [
      'Feel free to quote us on that.',
      'One tiny wish: remember the last filter I used.',
    ],
  },
  {
    tag: 'how_to',
    type: 'question',
    subjects: ['How do I share the {product}?', 'Where did the filter go?', 'Question about roles'],
    openings: [
      'Is it possible to share the {product} with somebody outside of our company {detail}? I cannot find the button.',
      'How can I give a colleague read-only rights to the {product}? The help article describes an older menu.',
    ],
    followUps: [
      'Found it, thanks! It is hidden behind the three dots, I would never have looked there.',
      'And can the link expire after a week?',
    ],
  },
  {
    tag: 'integration',
    type: 'incident',
    subjects: ['{product} stopped syncing', 'Webhook from the {product} not received'],
    openings: [
      'The {product} no longer syncs with our CRM {detail}. The last record that came over is from the 3rd.',
      'We get "401 Unauthorized" from the {product} although the key was renewed yesterday.',
    ],
    followUps: [
      'The new key works in curl, but not in your integration. Is there a cache?',
      'Half of the records came over now, the older half is missing.',
    ],
  },
  {
    tag: 'onboarding',
    type: 'question',
    subjects: ['Getting started with the {product}', 'Import of our old records'],
    openings: [
      'We are new here. What is the best way to bring 20,000 contacts into the {product}?',
      'The first step of the {product} asks for a domain we do not own yet. Can it be skipped?',
    ],
    followUps: [
      'The trial import worked. Umlauts such as ä, ö, ü came out wrong, though.',
      'Could we have a call with someone this week?',
    ],
  },
  {
    tag: 'security',
    type: 'task',
    subjects: ['Security questionnaire', 'Suspicious sign-in', 'Lost phone, two-factor code'],
    openings: [
      'I lost my phone and cannot sign in to the {product} any more. How do I reset two-factor?',
      'Our auditors ask where the {product} stores its backups {detail} and for how long.',
    ],
    followUps: [
      'The answer is clear, thank you. Is there a report we may hand to the auditors?',
      'That sign-in was not me. Please end all sessions.',
    ],
  },
  {
    tag: 'churn_risk',
    type: 'problem',
    subjects: ['Thinking about leaving', 'Cancel our subscription'],
    openings: [
      'Third outage of the {product} this month. We are comparing other vendors now {detail}.',
      'We would like to cancel at the end of the term: the {product} is too complicated for our branches.',
    ],
    followUps: [
      'The discount is kind, but price was never the problem. Reliability is.',
      'All right, let us try one more quarter.',
    ],
  },
]
