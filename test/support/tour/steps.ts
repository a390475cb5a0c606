import type { Loose } from '../asking.ts'
import type { Shown } from './shell.ts'

type Look = (json: Loose, answer: Shown) => boolean
type Keep = (json: Loose) => Record<string, string>

export interface Step {
  /** What the command of this step looks like, the variables left as they are. */
  readonly runs: RegExp
  readonly answers: number
  /** What is true of the answer, besides the excerpt that stands in the text. */
  readonly shows?: Look
  /** The variables that the text tells to keep of it. */
  readonly keeps?: Keep
}

const link: Keep = ({ integration_id: id, authorize_url: url }) => ({
  ID: id,
  AUTHORIZE_URL: url,
})

const says =
  (text: RegExp): Look =>
  (_, { body }) =>
    text.test(body)

const hasTag = ({ transcript }: Loose): boolean =>
  transcript.ticket.tags.includes('feature_request')

/** The commands of README.md, in its order, with what must come of each. */
export const steps: readonly Step[] = [
  { runs: /^curl \$URL\/readyz$/, answers: 200 },
  { runs: /PUT .*"plan":"pro".*workspaces\/w1$/s, answers: 201 },
  { runs: /w1\/zendesk$/, answers: 201, keeps: link },
  { runs: /^curl -L "\$AUTHORIZE_URL"$/, answers: 200, shows: says(/>acme is connected</) },
  { runs: /\$ID\/runs$/, answers: 200, shows: ({ data }) => data.at(-1).kind === 'backfill' },
  { runs: /\/\$ID$/, answers: 200, shows: (json) => json.counts.tickets_seen === 60 },
  {
    runs: /x-ndjson.*limit=3"$/,
    answers: 200,
    shows: (_, { body }) => body.trim().split('\n').length === 3,
  },
  { runs: /current\?limit=3"$/, answers: 200, shows: ({ data }) => data.length === 3 },
  { runs: /after=20&.*wait=30"$/, answers: 200, shows: ({ data }) => data[0].sequence === '21' },
  {
    runs: /transcripts\?limit=20"$/,
    answers: 200,
    shows: ({ data }) => data.length === 20,
    keeps: ({ data }) => {
      const kept = data.find((one: Loose) => !hasTag(one))
      const filtered = data.find(hasTag).transcript.ticket.id
      return { TICKET: kept.transcript.ticket.id, PUBLICATION: kept.id, FILTERED: filtered }
    },
  },
  { runs: /\$TICKET\/explain$/, answers: 200, shows: (json) => json.published },
  { runs: /w1\/schedule$/, answers: 200, shows: (json) => json.slots.length === 5 },
  { runs: /\$URL\/metrics$/, answers: 200, shows: says(/^hearflow_zendesk_/m) },
  { runs: /\$URL\/admin\/status$/, answers: 200 },
  {
    runs: /\$ID\/preview$/,
    answers: 200,
    shows: (json) => json.to_retract.filtered > 0,
    keeps: (json) => ({ FORESEEN: String(json.to_retract.filtered) }),
  },
  { runs: /PUT .*\["feature_request"\].*workspaces\/w1$/s, answers: 200 },
  { runs: /\$ID\/sync$/, answers: 202, keeps: (json) => ({ RUN: json.run_id }) },
  {
    runs: /\$ID\/runs\/\$RUN$/,
    answers: 200,
    keeps: ({ ledger }) => ({ RETRACTED: String(ledger.retracted) }),
  },
  { runs: /\$ID\/pause$/, answers: 200, shows: (json) => json.status === 'paused' },
  { runs: /\$ID\/resume$/, answers: 200, shows: (json) => json.status === 'active' },
  { runs: /\$ID\/runs\?limit=1"$/, answers: 200, shows: ({ data }) => data[0].slot === null },
  { runs: /\["acme"\].*\/revokeTokens$/, answers: 200, shows: ({ value }) => value > 0 },
  { runs: /\$ID\/backfill$/, answers: 202 },
  { runs: /\?status=errored"$/, answers: 200, shows: ({ data }) => data.length === 1 },
  {
    runs: /\/\$ID$/,
    answers: 200,
    shows: ({ error, reconnect_required: isAsked }) =>
      isAsked && error.code === 'credentials_revoked' && error.action.startsWith('reconnect'),
    keeps: ({ sync }) => ({ CURSOR: sync.cursor_at }),
  },
  { runs: /\$URL\/admin\/status$/, answers: 200 },
  { runs: /\$ID\/reconnect$/, answers: 200, keeps: link },
  { runs: /^curl -L "\$AUTHORIZE_URL"$/, answers: 200, shows: says(/>acme is connected again</) },
  {
    runs: /\/\$ID$/,
    answers: 200,
    shows: (json) => json.status === 'active' && json.error === null,
    keeps: ({ sync }) => ({ GOES_ON_AT: sync.cursor_at }),
  },
  { runs: /\$ID\/runs\?limit=2"$/, answers: 200 },
  { runs: /PUT .*sinks\/crm$/s, answers: 201 },
  { runs: /w1\/replay$/, answers: 202 },
  { runs: /\$PUBLICATION$/, answers: 200 },
  { runs: /\$PUBLICATION\/redrive$/, answers: 409, shows: says(/nothing_to_redrive/) },
  { runs: /w1\/sinks$/, answers: 200, shows: ({ data }) => data[0].id === 'crm' },
  { runs: /DELETE .*sinks\/crm$/, answers: 204 },
  { runs: /DELETE .*purge=true"$/, answers: 202 },
  { runs: /\/\$ID$/, answers: 200 },
]
