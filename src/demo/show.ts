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
  ids: { workspaceId: string; integrationId: string; simulatorUrl: string },
): string {
  const { workspaceId, integrationId, simulatorUrl } = ids
  return `
The service          ${baseUrl}
Its health           ${baseUrl}/readyz
The integration      ${baseUrl}/admin/integrations/${integrationId}
Its runs             ${baseUrl}/admin/integrations/${integrationId}/runs
The feed             ${baseUrl}/v1/workspaces/${workspaceId}/transcripts
The simulated Zendesk ${simulatorUrl}

Try next (the token is good for this demo only):

  export TOKEN=${adminToken}
  curl -H "Authorization: Bearer $TOKEN" ${baseUrl}/admin/integrations/${integrationId}
  curl -H "Authorization: Bearer $TOKEN" "${baseUrl}/v1/workspaces/${workspaceId}/transcripts?limit=2"
  curl -H "Authorization: Bearer $TOKEN" -H "Accept: application/x-ndjson" ${baseUrl}/v1/workspaces/${workspaceId}/transcripts
  curl -X PUT -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
    -d '{"plan":"starter","sync_day":"friday"}' ${baseUrl}/admin/workspaces/another

Ctrl-C ends the demo and removes its database.
`
}
