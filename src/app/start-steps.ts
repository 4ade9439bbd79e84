// Starts the downstream steps of a process. They share its database connections, but no queue.

import type { Http } from '../core/http.ts'
import type { Role } from '../core/roles.ts'
import { runStep } from '../downstream/run-step.ts'
import { STEPS } from '../downstream/steps.ts'
import { wait } from '../lib/back-off.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { createRedactor } from '../telemetry/redact.ts'
import type { ServiceTools } from './serve.ts'

/** Tools of a process without the queue. */
export type StepServiceTools = Pick<
  ServiceTools,
  'settings' | 'db' | 'log' | 'outages' | 'reports' | 'openHttp'
>

/** The time in which the work of a process runs. */
export interface Lifespan {
  /** Receives the work, in the order in which it was started. */
  readonly opened: AsyncDisposableStack
  readonly signal: AbortSignal
}

/** Resolves to true while a step has work. */
export type StepsHaveWork = () => Promise<boolean>

/**
 * Opens and starts the steps of the roles that the settings switch on.
 *
 * @throws SyncError `settings/invalid`
 */
export function startSteps(
  tools: StepServiceTools & { readonly metrics: Metrics },
  roles: readonly Role[],
  { opened, signal }: Lifespan,
): StepsHaveWork {
  const { settings, db, log, outages, metrics, openHttp } = tools
  const redact = createRedactor(settings.supplierSecrets, settings.secrets)
  const steps = STEPS.filter(({ role }) => roles.includes(role)).flatMap(({ name, open }) => {
    // A step that is switched off opens no client.
    let client: ReturnType<typeof openHttp> | null = null
    opened.defer(async () => client?.close())
    const http: Http = (...sent) => (client ??= openHttp(name, metrics))(...sent)
    const step = open({ settings, db, log, metrics, redact, http, options: { wait } })
    if (step === null) return []
    const running = runStep({ name, step }, { log, outages }, signal)
    opened.defer(() => running)
    return [step]
  })
  return async () => (await Promise.all(steps.map((step) => step.hasWork()))).includes(true)
}
