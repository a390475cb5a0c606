import { z } from 'zod'

/** Ids are branded so that one kind is never taken for another; a raw string or number crosses no border. */
export const WorkspaceId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'expected 1 to 128 letters, digits, ".", "_", "-"')
  .brand<'WorkspaceId'>()
export type WorkspaceId = z.infer<typeof WorkspaceId>

export const IntegrationId = z.uuid().brand<'IntegrationId'>()
export type IntegrationId = z.infer<typeof IntegrationId>

export const RunId = z.uuid().brand<'RunId'>()
export type RunId = z.infer<typeof RunId>

/** Zendesk's number of a ticket; the API gives a number, webhooks a string. */
export const TicketId = z.int().positive().brand<'TicketId'>()
export type TicketId = z.infer<typeof TicketId>

/** The same in the path of a request. */
export const TicketAddress = z
  .string()
  .regex(/^[1-9]\d{0,15}$/)
  .transform(Number)
  .pipe(TicketId)
  .meta({ type: 'integer', minimum: 1 })

/** A Zendesk account by the name in its address, lower-case. */
export const Subdomain = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
  .brand<'Subdomain'>()
export type Subdomain = z.infer<typeof Subdomain>

/** The name that a workspace gives to a receiver of its publications. */
export const SinkId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected 1 to 64 letters, digits, ".", "_", "-"')
  .brand<'SinkId'>()
export type SinkId = z.infer<typeof SinkId>

export const PublicationId = z
  .string()
  .regex(/^pub_[0-9a-f]{32}$/)
  .brand<'PublicationId'>()
export type PublicationId = z.infer<typeof PublicationId>
