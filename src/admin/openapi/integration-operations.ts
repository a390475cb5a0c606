import { type Operation, json, pageOf } from '../../platform/http/openapi/operation.ts'
import { PageQuery } from '../../platform/http/query.ts'
import { BackfillBody, DisconnectQuery, NoBody } from '../actions/bodies.ts'
import { IntegrationQuery } from '../integration-json.ts'
import { PreviewBody } from '../preview/preview-json.ts'
import { secretBody } from '../webhook/secret-body.ts'
import { IntegrationJson, RunJson, StartedRunJson } from './integration-answers.ts'
import { ExplanationJson, PreviewJson } from './ticket-answers.ts'

const integration = '/admin/integrations/{integration_id}'

/** Integrations: how they are, and what people ask of them. */
export const integrationOperations: readonly Operation[] = [
  {
    id: 'listIntegrations',
    method: 'get',
    path: '/admin/integrations',
    summary: 'Integrations, all or those of one status',
    auth: 'read',
    query: PageQuery.extend(IntegrationQuery.shape),
    answers: { 200: json(pageOf(IntegrationJson)) },
    errors: [400, 422, 503],
  },
  {
    id: 'showIntegration',
    method: 'get',
    path: integration,
    summary: 'An integration: how it is and what it needs',
    auth: 'read',
    answers: { 200: json(IntegrationJson) },
    errors: [404, 503],
  },
  {
    id: 'disconnectIntegration',
    method: 'delete',
    path: integration,
    summary: 'Gives back what Zendesk gave us; with purge also erases all stored text',
    auth: 'admin',
    query: DisconnectQuery,
    answers: { 200: json(IntegrationJson), 202: json(IntegrationJson) },
    errors: [404, 422, 503],
  },
  {
    id: 'listRuns',
    method: 'get',
    path: `${integration}/runs`,
    summary: 'What was done for an integration, the newest first',
    auth: 'read',
    query: PageQuery,
    answers: { 200: json(pageOf(RunJson)) },
    errors: [400, 404, 422, 503],
  },
  {
    id: 'showRun',
    method: 'get',
    path: `${integration}/runs/{run_id}`,
    summary: 'A run: its ledger, its waits and how far it is',
    auth: 'read',
    answers: { 200: json(RunJson) },
    errors: [404, 503],
  },
  {
    id: 'explainTicket',
    method: 'get',
    path: `${integration}/tickets/{ticket_id}/explain`,
    summary: 'Why a ticket is published or is not',
    auth: 'read',
    answers: { 200: json(ExplanationJson) },
    errors: [404, 503],
  },
  {
    id: 'syncNow',
    method: 'post',
    path: `${integration}/sync`,
    summary: 'A sync out of its turn',
    auth: 'admin',
    body: NoBody,
    answers: { 202: json(StartedRunJson) },
    errors: [404, 409, 429, 503],
  },
  {
    id: 'backfillNow',
    method: 'post',
    path: `${integration}/backfill`,
    summary: 'Imports the last days again, and publishes what differs',
    auth: 'admin',
    body: BackfillBody,
    answers: { 202: json(StartedRunJson) },
    errors: [404, 409, 503],
  },
  {
    id: 'pauseIntegration',
    method: 'post',
    path: `${integration}/pause`,
    summary: 'Lets an integration stand still',
    auth: 'admin',
    body: NoBody,
    answers: { 200: json(IntegrationJson) },
    errors: [404, 409, 503],
  },
  {
    id: 'resumeIntegration',
    method: 'post',
    path: `${integration}/resume`,
    summary: 'Ends a pause and catches up',
    auth: 'admin',
    body: NoBody,
    answers: { 200: json(IntegrationJson) },
    errors: [404, 409, 503],
  },
  {
    id: 'previewFilters',
    method: 'post',
    path: `${integration}/preview`,
    summary: 'What filters or a window would fetch and retract; nothing is stored',
    auth: 'admin',
    body: PreviewBody,
    answers: { 200: json(PreviewJson) },
    errors: [404, 409, 503],
  },
  {
    id: 'setWebhookSecret',
    method: 'put',
    path: `${integration}/webhook-secret`,
    summary: 'The signing secret of a webhook that was made by hand',
    auth: 'admin',
    body: secretBody(true),
    answers: { 200: json(IntegrationJson) },
    errors: [404, 409, 503],
  },
]
