// Every route of every face: what it is for, who may ask, what it takes and answers. Servers are
// built from this table and so is docs/http.md, so neither can know a route that the other does
// not.

import type { z } from 'zod'
import { PORTS } from '../../config/settings-schema.ts'
import { FetchBody, MaintainBody, NoBody, StatusQuery, SyncBody } from './request-schemas.ts'

export interface Route {
  readonly does: string
  readonly needsKey: boolean
  readonly body?: z.ZodType
  readonly query?: z.ZodType
  /** By status; what every route may answer besides is not repeated. */
  readonly answers: Readonly<Record<number, string>>
}

export interface HttpServer {
  readonly does: string
  readonly port: number
  readonly setting: string
  readonly routes: Readonly<Record<`${'GET' | 'POST'} /${string}`, Route>>
}

const HEALTHZ = {
  does: 'Whether the process is alive. Asks nobody else, not even the database.',
  needsKey: false,
  answers: { 200: '`{"ok":true}`' },
} as const satisfies Route
const METRICS = {
  does: 'Metrics for Prometheus.',
  needsKey: true,
  answers: { 200: 'text, not JSON' },
} as const satisfies Route
const STARTED =
  '[the runs](#orders): `{"run","runs":[{"source","run","started"}],"status":"/runs/ID"}`'
const REFUSED = { 404: '`source/unknown`', 409: '`source/paused` · `run/active`' } as const
const REFUSED_ARCHIVE = {
  404: '`source/unknown` · `run/unknown`',
  409: '`source/paused` · `run/no-artifact` · `run/active`',
} as const

export const FACES = {
  orchestrator: {
    does: 'Starts runs and tells how they go.',
    port: PORTS.orchestrator,
    setting: 'ORCHESTRATOR_PORT',
    routes: {
      'POST /sync': {
        does: 'Starts a run of each source that is asked for, or finds the one under way: asking twice gives the same run.',
        needsKey: true,
        body: SyncBody,
        answers: { 202: `${STARTED}, and the header \`Location\``, ...REFUSED_ARCHIVE },
      },
      'GET /status': {
        does:
          'How things stand: the run that is under way, else the newest, and every source. Read from the database, ' +
          'at most twice a second however many ask.',
        needsKey: true,
        query: StatusQuery,
        answers: { 200: '[the status](#status)', 404: '`source/unknown`' },
      },
      'GET /runs/:id': {
        does: 'How one run goes, or went.',
        needsKey: true,
        answers: { 200: '[the run](#status)', 404: '`run/unknown`' },
      },
      'POST /runs/:id/cancel': {
        does: 'Ends a run for good, whoever works on it. One that is over stays as it is.',
        needsKey: true,
        body: NoBody,
        answers: { 202: '`{"run","state"}`', 404: '`run/unknown`' },
      },
      'GET /health': {
        does: 'Looks at every component.',
        needsKey: true,
        answers: {
          200: '`{"ok":true,"broken":[],"components":[{"component","ok","detail","latencyMs"}]}`',
          503: 'the same, with `broken` naming what is',
        },
      },
      'GET /healthz': HEALTHZ,
      'GET /metrics': METRICS,
    },
  },
  fetcher: {
    does: 'Archives what suppliers send.',
    port: PORTS.fetcher,
    setting: 'FETCHER_PORT',
    routes: {
      'POST /run': {
        does: 'Archives a whole catalogue and leaves the run to the maintainer: `POST /sync` with mode `fetch-only`.',
        needsKey: true,
        body: FetchBody,
        answers: { 202: `${STARTED}; \`status\` is a path of the orchestrator`, ...REFUSED },
      },
      'GET /healthz': HEALTHZ,
      'GET /metrics': METRICS,
    },
  },
  maintainer: {
    does: 'Applies what is archived.',
    port: PORTS.maintainer,
    setting: 'MAINTAINER_PORT',
    routes: {
      'POST /run': {
        does: 'Applies the newest archive, or the one that `artifact` names: `POST /sync` with mode `maintain-only`.',
        needsKey: true,
        body: MaintainBody,
        answers: {
          202: `${STARTED}; \`status\` is a path of the orchestrator`,
          ...REFUSED_ARCHIVE,
        },
      },
      'GET /healthz': HEALTHZ,
      'GET /metrics': METRICS,
    },
  },
  metrics: {
    does: 'For a scraper on this machine, or where `METRICS_HOST` says: in a private network, never published.',
    port: PORTS.metrics,
    setting: 'METRICS_PORT',
    routes: { 'GET /metrics': { ...METRICS, needsKey: false } },
  },
} as const satisfies Readonly<Record<string, HttpServer>>

export type ServerName = keyof typeof FACES
