import type { Api, Publication } from './api.ts'

/** Long conversations show their beginning only. */
const MOST_LINES = 14

/** Three conversations as a reader of the feed gets them. */
export function renderTranscripts(publications: readonly Publication[]): string {
  const shown = publications.filter(({ transcript }) => transcript.turns.length > 1).slice(0, 3)
  return shown.map(renderTranscript).join('\n')
}

function renderTranscript({ transcript }: Publication): string {
  const lines = transcript.text.split('\n')
  const rest = lines.length - MOST_LINES
  const shown = lines.slice(0, MOST_LINES).map((line) => `  ${line}`.trimEnd())
  if (rest > 0) shown.push(`  … and ${rest} more lines`)
  const title = `${transcript.id} (revision ${transcript.revision}): ${transcript.ticket.subject}`
  return `\n${title}\n${shown.join('\n')}\n`
}

export function renderAddresses(
  { baseUrl, adminToken }: Api,
  ids: { workspaceId: string; integrationId: string; subdomain: string; simulatorUrl: string },
): string {
  const { workspaceId, integrationId, subdomain, simulatorUrl } = ids
  const bearer = '-H "Authorization: Bearer $TOKEN"'
  return `
The service           ${baseUrl}
Its health            ${baseUrl}/readyz
What there is         ${baseUrl}/admin/openapi.json
The simulated Zendesk ${simulatorUrl}/${subdomain}

Go on by hand: paste the first line in another terminal (the token is good for this demo only), try
the next ones, then take the tour under "Use it" in README.md.

  export URL=${baseUrl} TOKEN=${adminToken} SIMULATOR=${simulatorUrl}
  curl ${bearer} $URL/admin/integrations/${integrationId}
  curl ${bearer} "$URL/v1/workspaces/${workspaceId}/transcripts?limit=2"

Ctrl-C ends the demo and removes its database.
`
}
