import { z } from 'zod'
import {
  IntegrationId,
  PublicationId,
  RunId,
  SinkId,
  TicketAddress,
  WorkspaceId,
} from '../../../ids.ts'
import { type Auth, type Content, ErrorBody, type Operation, errorsOf } from './operation.ts'

/** A description of the service for programs, out of the schemas that its routes parse with. */
export interface OpenApi {
  readonly openapi: '3.1.0'
  readonly info: Json
  readonly servers: readonly Json[]
  readonly paths: Readonly<Record<string, Json>>
  readonly components: { readonly schemas: Json; readonly securitySchemes: Json }
}

type Json = Readonly<Record<string, unknown>>

const addressed: Readonly<Record<string, z.ZodType>> = {
  workspace_id: WorkspaceId,
  integration_id: IntegrationId,
  run_id: RunId,
  ticket_id: TicketAddress,
  sink_id: SinkId,
  publication_id: PublicationId,
}

const securitySchemes = {
  admin: { type: 'http', scheme: 'bearer', description: 'ADMIN_TOKEN' },
  read: { type: 'http', scheme: 'bearer', description: 'READ_TOKEN' },
  signature: {
    type: 'apiKey',
    in: 'header',
    name: 'x-zendesk-webhook-signature',
    description:
      'base64 of the HMAC-SHA256, by the signing secret of the webhook, of the timestamp of ' +
      'x-zendesk-webhook-signature-timestamp and the body',
  },
  state: {
    type: 'apiKey',
    in: 'query',
    name: 'state',
    description: 'of a link to a consent; it opens once',
  },
}

const security: Readonly<Record<Auth, readonly Json[]>> = {
  admin: [{ admin: [] }],
  read: [{ read: [] }, { admin: [] }],
  signature: [{ signature: [] }],
  state: [{ state: [] }],
  none: [],
}

const meanings: Readonly<Record<number, string>> = {
  200: 'done',
  201: 'made',
  202: 'taken on; the rest is done by workers',
  204: 'done, and nothing to tell',
  400: 'malformed',
  401: 'no credential, or a wrong one',
  403: 'what Zendesk lets us do is less than we need',
  404: 'there is no such thing',
  409: 'not in this state of things',
  410: 'it was there, and is pruned',
  413: 'the body is too large',
  415: 'the body is not of a type that is read here',
  422: 'well-formed, but not acceptable',
  424: 'Zendesk did not answer as it should',
  429: 'too soon, or too often',
  500: 'something went wrong on our side',
  503: 'not now',
}

const DESCRIPTION =
  'Public conversations of Zendesk accounts as transcripts. Every error is of the schema Error. Lists ' +
  'are paged: "next_cursor" goes into "cursor", and is null on the last page.'

/** Answers that say in a header when to come again. */
const LATER = [429, 503]

export function openApiDocument(
  operations: readonly Operation[],
  { version, publicUrl }: { readonly version: string; readonly publicUrl: string },
): OpenApi {
  const schemas: Record<string, unknown> = {}
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of operations) {
    const path = (paths[operation.path] ??= {})
    path[operation.method] = operationJson(operation, schemas)
  }
  return {
    openapi: '3.1.0',
    info: { title: 'hearflow-zendesk', version, description: DESCRIPTION },
    servers: [{ url: publicUrl }],
    paths,
    components: { schemas, securitySchemes },
  }
}

function operationJson(operation: Operation, schemas: Record<string, unknown>): Json {
  const { id, path, summary, auth, query, headers, body, answers } = operation
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const inPath = z.object(Object.fromEntries(names.map((name) => [name, addressOf(name)])))
  const responses = Object.entries(answers).map(([status, content]) => [
    status,
    answerJson(Number(status), content, schemas),
  ])
  const refusals = errorsOf(operation)
    .filter((status) => answers[status] === undefined)
    .map((status) => [status, answerJson(status, { 'application/json': ErrorBody }, schemas)])
  return {
    operationId: id,
    summary,
    security: security[auth],
    parameters: [
      ...parametersJson('path', inPath),
      ...parametersJson('query', query),
      ...parametersJson('header', headers),
    ],
    ...(body && { requestBody: bodyJson(body, schemas) }),
    responses: Object.fromEntries([...responses, ...refusals]),
  }
}

function bodyJson(body: z.ZodType, schemas: Record<string, unknown>): Json {
  const { required = [] } = rawSchemaOf(body)
  const content = { 'application/json': { schema: schemaOf(body, schemas) } }
  return { required: required.length > 0, content }
}

function addressOf(name: string): z.ZodType {
  const schema = addressed[name]
  if (schema === undefined) throw new Error(`no schema is known of the path parameter "${name}"`)
  return schema
}

function answerJson(status: number, content: Content, schemas: Record<string, unknown>): Json {
  const bodies = Object.entries(content).map(([type, schema]) => [
    type,
    { schema: schemaOf(schema, schemas, { isAnswer: true }) },
  ])
  const isLater = LATER.includes(status) && content['application/json'] !== undefined
  return {
    description: meanings[status] ?? String(status),
    ...(isLater && {
      headers: {
        'Retry-After': { description: 'in so many seconds', schema: { type: 'integer' } },
      },
    }),
    ...(bodies.length > 0 && { content: Object.fromEntries(bodies) }),
  }
}

function parametersJson(place: 'path' | 'query' | 'header', of: z.ZodObject | undefined): Json[] {
  if (of === undefined) return []
  const { properties = {}, required = [] } = rawSchemaOf(of)
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema,
  }))
}

/** Named schemas go to the components, where every operation finds them. */
function schemaOf(
  schema: z.ZodType,
  schemas: Record<string, unknown>,
  options: { readonly isAnswer?: boolean } = {},
): unknown {
  const { $schema: _, $defs = {}, ...own } = rawSchemaOf(schema, options)
  for (const [name, definition] of Object.entries($defs)) schemas[name] = relinked(definition)
  return relinked(own)
}

/** A reader of an answer has to live with fields that come later; a body with unknown ones is refused. */
function rawSchemaOf(schema: z.ZodType, { isAnswer = false } = {}): z.core.JSONSchema.JSONSchema {
  return z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: 'input',
    override: ({ zodSchema: { _zod: it }, jsonSchema }) => {
      if (isAnswer && jsonSchema.additionalProperties === false)
        delete jsonSchema.additionalProperties
      // What has a format needs no pattern, and a number in an address has digits anyway.
      if (jsonSchema.format !== undefined || jsonSchema.type === 'integer')
        delete jsonSchema.pattern
      if (it.def.type === 'default') jsonSchema.default = it.def.defaultValue
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    },
  })
}

function relinked(schema: unknown): unknown {
  const text = JSON.stringify(schema)
  return JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/'))
}
