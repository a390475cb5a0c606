import { z } from 'zod'

/** Our own HTTP interface as the demo uses it: like any other program, through the front door. */
export interface Api {
  readonly baseUrl: string
  readonly adminToken: string
}

const Connection = z.object({ integration_id: z.string(), authorize_url: z.string() })

const IntegrationStatus = z.object({
  status: z.string(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  backfill: z
    .object({
      state: z.string(),
      from: z.string(),
      progress: z.number(),
      tickets_seen: z.number(),
    })
    .nullable(),
  counts: z.object({ published: z.number() }),
})
export type IntegrationStatus = z.infer<typeof IntegrationStatus>

export const Publication = z.object({
  type: z.enum(['transcript.published', 'transcript.retracted']),
  transcript: z.object({
    id: z.string(),
    revision: z.number(),
    ticket: z.object({ id: z.number(), subject: z.string().nullish() }),
    turns: z
      .array(z.object({ comment_id: z.number(), role: z.string(), text: z.string() }))
      .default([]),
    text: z.string().default(''),
  }),
})
export type Publication = z.infer<typeof Publication>

const FeedPage = z.object({
  data: z.array(Publication),
  next: z.string(),
  has_more: z.boolean(),
})

/** Makes the workspace and goes through the consent as a browser would. Returns the integration's id. */
export async function connectAccount(
  api: Api,
  account: { workspaceId: string; subdomain: string },
): Promise<string> {
  const workspace = `/admin/workspaces/${account.workspaceId}`
  await call(api, 'PUT', workspace, { plan: 'pro' })
  const answer = await call(api, 'POST', `${workspace}/zendesk`, { subdomain: account.subdomain })
  const connection = Connection.parse(answer)
  const page = await fetch(connection.authorize_url)
  await page.text()
  if (!page.ok) throw new Error(`the consent ended with ${page.status}`)
  return connection.integration_id
}

export async function readIntegration(api: Api, id: string): Promise<IntegrationStatus> {
  return IntegrationStatus.parse(await call(api, 'GET', `/admin/integrations/${id}`))
}

/** The first second of the imported window: the export counts in whole seconds. */
export function windowStart({ backfill }: IntegrationStatus): Date {
  return new Date(Math.floor(Date.parse(backfill?.from ?? '') / 1000) * 1000)
}

/** All publications of a workspace, oldest first. */
export async function* readFeed(api: Api, workspaceId: string): AsyncGenerator<Publication> {
  let after = ''
  for (;;) {
    const query = new URLSearchParams({ limit: '1000', ...(after !== '' && { after }) })
    const answer = await call(api, 'GET', `/v1/workspaces/${workspaceId}/transcripts?${query}`)
    const page = FeedPage.parse(answer)
    yield* page.data
    if (!page.has_more) return
    after = page.next
  }
}

async function call(api: Api, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${api.baseUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${api.adminToken}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const answer: unknown = await response.json()
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}`)
  return answer
}
