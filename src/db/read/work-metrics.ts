// The metrics of work that waits, and of the bytes that are stored, for all sources together.

import type { Reading } from '../../telemetry/metrics.ts'
import { METRICS } from '../../telemetry/metrics-table.ts'
import { inSession, one, type Catalog } from '../catalog.ts'
import type { DbClient } from '../transaction.ts'
import { listWebhooks } from './webhooks.ts'

interface Work {
  readonly reviews: Readonly<Record<string, { readonly count: number; readonly seconds: number }>>
  readonly models: { readonly waiting: number; readonly retried: number; readonly seconds: number }
  readonly breakers: Readonly<Record<string, BreakerCounts>>
  /** Seconds since the first image was due; null if none is. */
  readonly images: number | null
}

type BreakerCounts = Readonly<Record<'open' | 'half-open' | 'seconds', number>>

interface Alerts {
  /** Open ones by kind. */
  readonly open: Readonly<Record<string, number>>
  readonly channels: Readonly<
    Record<string, { readonly messages: number; readonly failures: number }>
  >
}

interface People {
  readonly sessions: Readonly<Record<'write' | 'read', number>>
  readonly actions: Readonly<Record<string, number>>
}

const REVIEW_KINDS = METRICS.shelfsync_review_backlog.labels.kind
const BREAKER_STATES = METRICS.shelfsync_open_circuit_breakers.labels.state
const ALERT_KINDS = METRICS.shelfsync_open_alerts.labels.kind
const ACCESSES = METRICS.shelfsync_signed_in_sessions.labels.access
const CHANNELS = METRICS.shelfsync_alert_failed_sends.labels.channel
const CLOSED: BreakerCounts = { open: 0, 'half-open': 0, seconds: 0 }

/** Reads inside the transaction of another reader. */
export async function readWorkMetrics(client: DbClient): Promise<Reading[]> {
  const { reviews, models, breakers, images } = one(
    await inSession(client).call<Work>('measure_work', {}),
  )
  return [
    ...REVIEW_KINDS.flatMap((kind): Reading[] => [
      {
        name: 'shelfsync_review_backlog',
        labels: { kind },
        value: reviews[kind]?.count ?? 0,
      },
      {
        name: 'shelfsync_review_backlog_age_seconds',
        labels: { kind },
        value: reviews[kind]?.seconds ?? 0,
      },
    ]),
    ...(['waiting', 'retried'] as const).map((state): Reading => ({
      name: 'shelfsync_model_queue',
      labels: { state },
      value: models[state],
    })),
    { name: 'shelfsync_model_queue_age_seconds', labels: {}, value: models.seconds },
    { name: 'shelfsync_image_queue_age_seconds', labels: {}, value: images ?? 0 },
    ...toBreakerReadings(breakers),
    ...(await readAlertMetrics(client)),
    ...(await readPeopleMetrics(client)),
    ...(await readWebhookMetrics(client)),
  ]
}

async function readAlertMetrics(client: DbClient): Promise<Reading[]> {
  const { open, channels } = one(await inSession(client).call<Alerts>('measure_alerts', {}))
  return [
    ...ALERT_KINDS.map((kind): Reading => ({
      name: 'shelfsync_open_alerts',
      labels: { kind },
      value: open[kind] ?? 0,
    })),
    ...CHANNELS.flatMap((channel): Reading[] => {
      const state = channels[channel]
      if (state === undefined) return []
      return [
        {
          name: 'shelfsync_alert_messages_total',
          labels: { channel },
          value: state.messages,
        },
        { name: 'shelfsync_alert_failed_sends', labels: { channel }, value: state.failures },
      ]
    }),
  ]
}

async function readWebhookMetrics(client: DbClient): Promise<Reading[]> {
  const webhooks = await listWebhooks(inSession(client))
  const sum = (state: 'waiting' | 'retrying' | 'dead'): number =>
    webhooks.reduce((total, webhook) => total + webhook[state], 0)
  const toReading = (state: 'waiting' | 'retrying' | 'dead', value: number): Reading => ({
    name: 'shelfsync_webhook_deliveries',
    labels: { state },
    value,
  })
  return [
    toReading('waiting', sum('waiting') - sum('retrying')),
    toReading('retrying', sum('retrying')),
    toReading('dead', sum('dead')),
    {
      name: 'shelfsync_webhook_behind_seconds',
      labels: {},
      value: Math.max(0, ...webhooks.map(({ oldestSeconds }) => oldestSeconds)),
    },
  ]
}

async function readPeopleMetrics(client: DbClient): Promise<Reading[]> {
  const { sessions, actions } = one(await inSession(client).call<People>('measure_people', {}))
  return [
    ...ACCESSES.map((access): Reading => ({
      name: 'shelfsync_signed_in_sessions',
      labels: { access },
      value: sessions[access],
    })),
    ...Object.entries(actions).map(([action, value]): Reading => ({
      name: 'shelfsync_actions_total',
      labels: { action },
      value,
    })),
  ]
}

/** Breakers of hosts are counted from 0, so that the first one is an increase. */
function toBreakerReadings(breakers: Work['breakers']): Reading[] {
  return Object.entries({ host: CLOSED, ...breakers }).flatMap(([scope, counts]): Reading[] => [
    ...BREAKER_STATES.map((state): Reading => ({
      name: 'shelfsync_open_circuit_breakers',
      labels: { scope, state },
      value: counts[state],
    })),
    {
      name: 'shelfsync_circuit_breaker_open_seconds',
      labels: { scope },
      value: counts.seconds,
    },
  ])
}

/** Reads every archived part: call it every few minutes only. */
export async function readStorageMetrics(db: Catalog): Promise<Reading[]> {
  const { database, sources } = one(
    await db.call<{ database: number; sources: Readonly<Record<string, number>> }>(
      'measure_storage',
      {},
    ),
  )
  return [
    { name: 'shelfsync_database_bytes', labels: {}, value: database },
    ...Object.entries(sources).map(([source, value]): Reading => ({
      name: 'shelfsync_stored_bytes',
      labels: { source },
      value,
    })),
  ]
}
