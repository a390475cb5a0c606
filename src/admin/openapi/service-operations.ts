import { z } from 'zod'
import { type Operation, json } from '../../platform/http/openapi/operation.ts'
import { StatusJson } from './status-answers.ts'

const Alive = z.strictObject({ status: z.literal('ok') })

/** What concerns the service as a whole. */
export const serviceOperations: readonly Operation[] = [
  {
    id: 'showHealth',
    method: 'get',
    path: '/healthz',
    summary: 'Whether the process lives',
    auth: 'none',
    answers: { 200: json(Alive) },
    errors: [],
  },
  {
    id: 'showReadiness',
    method: 'get',
    path: '/readyz',
    summary: 'Whether the database can be reached and is migrated',
    auth: 'none',
    answers: { 200: json(Alive) },
    errors: [503],
  },
  {
    id: 'showMetrics',
    method: 'get',
    path: '/metrics',
    summary: 'Metrics as text for Prometheus',
    auth: 'read',
    answers: { 200: { 'text/plain': z.string() } },
    errors: [],
  },
  {
    id: 'showOpenApi',
    method: 'get',
    path: '/admin/openapi.json',
    summary: 'This document',
    auth: 'none',
    answers: { 200: json(z.looseObject({ openapi: z.string() })) },
    errors: [],
  },
  {
    id: 'showStatus',
    method: 'get',
    path: '/admin/status',
    summary: 'The whole service on one page, and what a person has to do',
    auth: 'read',
    answers: { 200: json(StatusJson) },
    errors: [],
  },
]
