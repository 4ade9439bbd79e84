// Errors of a request. The documentation mentions `violations` in a 422 but not their format, which
// is an assumption.

import { z } from 'zod'
import type { JsonObject } from './json.ts'

export interface Violation {
  /** Place in the request: `filter.and.1.status`. */
  readonly path: string
  readonly message: string
}

/** An error response. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly violations: readonly Violation[]

  constructor(
    status: number,
    code: string,
    message: string,
    violations: readonly Violation[] = [],
  ) {
    super(message)
    this.status = status
    this.code = code
    this.violations = violations
  }
}

export function createInvalid(violations: readonly Violation[]): Refusal {
  return new Refusal(422, 'validation.failed', 'The request is not valid.', violations)
}

/** Collects all errors of a request for one response. */
export interface Checker {
  fail(path: string, message: string): void
  /** @throws Refusal 422 after any `fail` */
  finish(): void
}

export function createChecker(): Checker {
  const violations: Violation[] = []
  return {
    fail: (path, message) => void violations.push({ path, message }),
    finish() {
      if (violations.length > 0) throw createInvalid(violations)
    },
  }
}

const JsonObjectSchema = z.record(z.string(), z.json())

/** @throws Refusal 400 when `text` is not a JSON object. */
export function parseBody(text: string): JsonObject {
  try {
    return JsonObjectSchema.parse(JSON.parse(text))
  } catch {
    throw new Refusal(400, 'bad_request', 'The body is not a JSON object.')
  }
}
