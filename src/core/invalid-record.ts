// The error of a record that does not match the documented format of its supplier.

import type { Problem } from './check-value.ts'
import { SyncError } from './errors.ts'

/** Its message and its detail name the place of the problem, as in `$.variants[0].price`. */
export function toInvalidRecord(problem: Problem | null | undefined): SyncError {
  const { path, message } = problem ?? { path: [], message: 'is not as expected' }
  const steps = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
  const place = `$${steps.join('')}`
  return new SyncError('record/invalid', `${place}: ${message}`, { detail: { path: place } })
}
