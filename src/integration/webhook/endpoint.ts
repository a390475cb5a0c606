import type { IntegrationId } from '../../ids.ts'

/** Where the account of an integration delivers its hints. */
export function webhookEndpoint(publicUrl: string, integrationId: IntegrationId): string {
  return `${publicUrl}/webhooks/zendesk/${integrationId}`
}
