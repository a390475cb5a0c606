import { PageQuery } from '../../platform/http/query.ts'
import { type Operation, json, pageOf } from '../../platform/http/openapi/operation.ts'
import { ReplayBody } from '../sinks/replay-body.ts'
import { SinkBody } from '../sinks/sink-json.ts'
import { WorkspaceBody } from '../workspace-json.ts'
import {
  MadeSinkJson,
  PublicationStateJson,
  RedriveJson,
  ReplayJson,
  ScheduleJson,
  SinkJson,
  WorkspaceJson,
} from './workspace-answers.ts'

const workspace = '/admin/workspaces/{workspace_id}'
const sink = `${workspace}/sinks/{sink_id}`
const publication = '/admin/publications/{publication_id}'

/** Workspaces, the receivers of what is published in them, and what became of it there. */
export const workspaceOperations: readonly Operation[] = [
  {
    id: 'listWorkspaces',
    method: 'get',
    path: '/admin/workspaces',
    summary: 'Workspaces by their ids',
    auth: 'admin',
    query: PageQuery,
    answers: { 200: json(pageOf(WorkspaceJson)) },
    errors: [400, 422, 503],
  },
  {
    id: 'showWorkspace',
    method: 'get',
    path: workspace,
    summary: 'A workspace and its settings',
    auth: 'admin',
    answers: { 200: json(WorkspaceJson) },
    errors: [404, 503],
  },
  {
    id: 'changeWorkspace',
    method: 'put',
    path: workspace,
    summary: 'Makes a workspace, or changes the settings that are named',
    auth: 'admin',
    body: WorkspaceBody,
    answers: { 200: json(WorkspaceJson), 201: json(WorkspaceJson) },
    errors: [503],
  },
  {
    id: 'showSchedule',
    method: 'get',
    path: `${workspace}/schedule`,
    summary: 'The next five slots and why, in words',
    auth: 'read',
    answers: { 200: json(ScheduleJson) },
    errors: [404, 503],
  },
  {
    id: 'listSinks',
    method: 'get',
    path: `${workspace}/sinks`,
    summary: 'The receivers of a workspace',
    auth: 'admin',
    query: PageQuery,
    answers: { 200: json(pageOf(SinkJson)) },
    errors: [400, 404, 422, 503],
  },
  {
    id: 'showSink',
    method: 'get',
    path: sink,
    summary: 'A receiver and how it does',
    auth: 'admin',
    answers: { 200: json(SinkJson) },
    errors: [404, 503],
  },
  {
    id: 'changeSink',
    method: 'put',
    path: sink,
    summary: 'Makes a receiver, or changes what is named of it',
    auth: 'admin',
    body: SinkBody,
    answers: { 200: json(SinkJson), 201: json(MadeSinkJson) },
    errors: [404, 409, 503],
  },
  {
    id: 'deleteSink',
    method: 'delete',
    path: sink,
    summary: 'Sends nothing more to a receiver',
    auth: 'admin',
    answers: { 204: {} },
    errors: [404, 503],
  },
  {
    id: 'replayPublications',
    method: 'post',
    path: `${workspace}/replay`,
    summary: 'Sends publications of the feed again, under the same ids',
    auth: 'admin',
    body: ReplayBody,
    answers: { 202: json(ReplayJson) },
    errors: [404, 503],
  },
  {
    id: 'showPublication',
    method: 'get',
    path: publication,
    summary: 'What became of a publication at each receiver',
    auth: 'read',
    answers: { 200: json(PublicationStateJson) },
    errors: [404, 503],
  },
  {
    id: 'redrivePublication',
    method: 'post',
    path: `${publication}/redrive`,
    summary: 'Delivers again what receivers did not take',
    auth: 'admin',
    answers: { 202: json(RedriveJson) },
    errors: [404, 409, 503],
  },
]
