// Every route of every server: its purpose, access, parameters and responses. The servers and
// docs/http.md are both generated from this table, so they cannot disagree.

import type { z } from 'zod'
import { PORTS } from '../../config/service-settings.ts'
import {
  FetchBody,
  ImportBody,
  MaintainBody,
  NoBody,
  RunsQuery,
  StatusQuery,
  SyncBody,
  WaitQuery,
} from './request-schemas.ts'

export interface Route {
  readonly summary: string
  readonly needsKey: boolean
  /** True if the route also accepts a SYNC_KEY. Default: false. */
  readonly allowsSyncKey?: boolean
  readonly body?: z.ZodType
  readonly query?: z.ZodType
  /** By status. Responses that every route may send are documented once. */
  readonly responses: Readonly<Record<number, string>>
}

export interface HttpServer {
  readonly summary: string
  readonly port: number
  readonly setting: string
  readonly routes: Readonly<Record<`${'GET' | 'POST'} /${string}`, Route>>
}

const HEALTHZ = {
  summary: 'Reports that the process is alive. Checks no other component.',
  needsKey: false,
  responses: { 200: '`{"ok":true}`' },
} as const satisfies Route
const METRICS = {
  summary: 'Returns the metrics of the process in the Prometheus text format.',
  needsKey: true,
  responses: { 200: 'text, not JSON' },
} as const satisfies Route
const STARTED = '[the requested runs](#requested-runs)'
const STARTED_ELSEWHERE = `${STARTED}; \`status\` is a path of the orchestrator`
const REFUSED = {
  404: '`source/unknown`',
  409: '`source/paused` · `source/no-connector` · `run/active`',
} as const
const REFUSED_ARCHIVE = {
  404: '`source/unknown` · `run/unknown`',
  409: '`source/paused` · `source/no-connector` · `run/no-artifact` · `run/active` · `run/nothing-due`',
} as const

export const SERVERS = {
  orchestrator: {
    summary: 'Starts runs and reports on them.',
    port: PORTS.orchestrator,
    setting: 'ORCHESTRATOR_PORT',
    routes: {
      'POST /sync': {
        summary:
          'Starts a run of each requested source, or returns the active one. ' +
          'Repeating the request returns the same run.',
        needsKey: true,
        allowsSyncKey: true,
        body: SyncBody,
        responses: { 202: `${STARTED}, and the header \`Location\``, ...REFUSED_ARCHIVE },
      },
      'POST /import': {
        summary:
          'Imports products of one source, beside any other run and before all other work. ' +
          'If an item names no product, nothing is imported.',
        needsKey: true,
        allowsSyncKey: true,
        body: ImportBody,
        query: WaitQuery,
        responses: {
          200: 'with `wait`, when the run has ended: `{"run","status","state","imports":[…],"errors":[…]}`, see [imports](#imports)',
          202: '`{"run","status"}`, and the header `Location`: `status` is the path of the run, whose `imports` has the result',
          400: '`request/invalid`, with the member that is wrong · `usage/invalid`',
          404: '`source/unknown`',
          409: '`source/paused` · `source/no-connector`',
          503: '`source/circuit-open`, with the time of the next request, and the header `Retry-After`',
        },
      },
      'GET /status': {
        summary:
          'Returns the active run, or the newest one if none is active, and the state of every ' +
          'source. The response is at most one second old.',
        needsKey: true,
        allowsSyncKey: true,
        query: StatusQuery,
        responses: { 200: '[the status object](#the-status-object)', 404: '`source/unknown`' },
      },
      'GET /runs': {
        summary: 'Lists runs, the newest first.',
        needsKey: true,
        query: RunsQuery,
        responses: {
          200: '`{"items":[…],"next"}`: a page of [runs](#the-run-object)',
          404: '`source/unknown`',
        },
      },
      'GET /runs/:id': {
        summary: 'Returns one run in detail.',
        needsKey: true,
        allowsSyncKey: true,
        responses: { 200: '[the run object](#the-run-object)', 404: '`run/unknown`' },
      },
      'POST /runs/:id/cancel': {
        summary: 'Cancels a run permanently. A finished run stays unchanged.',
        needsKey: true,
        body: NoBody,
        responses: { 202: '`{"run","state"}`', 404: '`run/unknown`' },
      },
      'GET /health': {
        summary:
          'Checks every component and reports its state. ' +
          'The artifact store is checked in a process that also fetches or applies: ' +
          'an orchestrator on its own needs no access to it.',
        needsKey: true,
        responses: {
          200: '`{"ok":true,"broken":[],"components":[{"component","ok","detail","latencyMs"}]}`',
          503: 'the same object; `broken` lists the failing components',
        },
      },
      'GET /healthz': HEALTHZ,
      'GET /metrics': METRICS,
    },
  },
  fetcher: {
    summary: 'Archives the data of suppliers.',
    port: PORTS.fetcher,
    setting: 'FETCHER_PORT',
    routes: {
      'POST /run': {
        summary:
          'Archives a whole catalogue for the maintainer. ' +
          'Equivalent to `POST /sync` with mode `fetch-only`.',
        needsKey: true,
        allowsSyncKey: true,
        body: FetchBody,
        responses: { 202: STARTED_ELSEWHERE, ...REFUSED },
      },
      'GET /healthz': HEALTHZ,
      'GET /metrics': METRICS,
    },
  },
  maintainer: {
    summary: 'Applies archived data to the catalogue.',
    port: PORTS.maintainer,
    setting: 'MAINTAINER_PORT',
    routes: {
      'POST /run': {
        summary:
          'Applies the newest artifact, or the one of the run `artifact`. ' +
          'Equivalent to `POST /sync` with mode `maintain-only`.',
        needsKey: true,
        allowsSyncKey: true,
        body: MaintainBody,
        responses: { 202: STARTED_ELSEWHERE, ...REFUSED_ARCHIVE },
      },
      'GET /healthz': HEALTHZ,
      'GET /metrics': METRICS,
    },
  },
  web: {
    summary: 'Serves the dashboard: [dashboard.md](dashboard.md).',
    port: PORTS.web,
    setting: 'WEB_PORT',
    routes: {
      'GET /late': {
        summary:
          'Reports to an outside monitor whether a source is late. It needs no key and names no source. ' +
          'The response is about a second old.',
        needsKey: false,
        responses: {
          200: '`{"late":0,"sources","error":null}`: `sources` is the number of sources that are not paused',
          503: 'the same object: `late` sources are late, or `error` is the reason why the state is unknown',
        },
      },
      'GET /healthz': HEALTHZ,
      'GET /metrics': METRICS,
    },
  },
  metrics: {
    summary:
      'Serves the metrics without a key, on loopback or on the address `METRICS_HOST`. ' +
      'Every process has this server. Keep it inside a private network.',
    port: PORTS.metrics,
    setting: 'METRICS_PORT',
    routes: { 'GET /healthz': HEALTHZ, 'GET /metrics': { ...METRICS, needsKey: false } },
  },
} as const satisfies Readonly<Record<string, HttpServer>>

export type ServerName = keyof typeof SERVERS
