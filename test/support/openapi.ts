import { z } from 'zod'
import type { TestWeb } from './web.ts'

const Parameter = z.object({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  required: z.boolean(),
  schema: z.record(z.string(), z.unknown()),
})

const Content = z.record(z.string(), z.object({ schema: z.unknown() }))

const Operation = z.object({
  operationId: z.string(),
  summary: z.string().min(1),
  security: z.array(z.record(z.string(), z.array(z.never()))),
  parameters: z.array(Parameter),
  requestBody: z.object({ required: z.boolean(), content: Content }).optional(),
  responses: z.record(
    z.string().regex(/^[2-5]\d\d$/),
    z.object({ description: z.string().min(1), content: Content.optional() }),
  ),
})

/** The parts of OpenAPI 3.1 that the service uses, as strictly as tests need them. */
export const Document = z.object({
  openapi: z.literal('3.1.0'),
  info: z.object({ title: z.string(), version: z.string() }),
  servers: z.array(z.object({ url: z.url() })),
  paths: z.record(
    z.string().startsWith('/'),
    z.partialRecord(z.enum(['get', 'put', 'post', 'delete']), Operation),
  ),
  components: z.object({
    schemas: z.record(z.string(), z.unknown()),
    securitySchemes: z.record(z.string(), z.object({ type: z.enum(['http', 'apiKey']) })),
  }),
})

export interface Described extends z.infer<typeof Operation> {
  readonly method: string
  readonly path: string
}

/** What the service says of itself, and each operation of it. */
export async function readDocument({ ask }: Pick<TestWeb, 'ask'>) {
  const { json } = await ask('GET', '/admin/openapi.json', { token: null })
  const document = Document.parse(json)
  const operations: Described[] = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  )
  return { raw: json, document, operations }
}

const SOME_UUID = '5d1f0b6e-6f3f-4f0e-9a64-2f1f3f3c0f11'

const unknown: Readonly<Record<string, string>> = {
  workspace_id: 'nobody',
  integration_id: SOME_UUID,
  run_id: SOME_UUID,
  ticket_id: '404404',
  sink_id: 'nothing',
  publication_id: `pub_${'0'.repeat(32)}`,
}

/** The address of an operation; what is not given is a name of something that does not exist. */
export function addressOf(path: string, known: Readonly<Record<string, string>> = {}): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => known[name] ?? unknown[name] ?? '')
}
