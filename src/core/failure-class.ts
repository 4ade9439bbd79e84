// Failure classes: the ways in which the host of a source, such as a shop, fails. Each error of a source
// has one, so that a person reads one word and sources can be sorted by it.

import type { ErrorCode } from './error-table.ts'
import type { SOURCE_ERRORS } from './source-errors.ts'

/** Each class with its description, as the predicate of a sentence about the host. */
export const FAILURE_CLASSES = {
  gone: 'has nothing at this address',
  closed: 'is closed, or behind a password',
  blocked: 'refuses our requests',
  unreachable: 'does not respond',
  malformed: 'sends responses in another format than its connector reads',
} as const

export type FailureClass = keyof typeof FAILURE_CLASSES

/** Null: the error is about the configuration, and no host has failed. */
const CLASS_OF: Readonly<Record<keyof typeof SOURCE_ERRORS, FailureClass | null>> = {
  'source/rate-limited': 'blocked',
  'source/circuit-open': 'unreachable',
  'source/unavailable': 'unreachable',
  'source/cut-short': 'unreachable',
  'source/too-slow': 'unreachable',
  'source/unauthorized': 'blocked',
  'source/not-eligible': 'blocked',
  'source/rejected': 'malformed',
  'source/blocked': 'blocked',
  'source/password': 'closed',
  'source/closed': 'closed',
  'source/gone': 'gone',
  'source/moved': 'malformed',
  'source/malformed': 'malformed',
  'source/not-recognised': 'malformed',
  'source/too-large': 'malformed',
  'source/address-refused': 'unreachable',
  'source/unknown': null,
  'source/exists': null,
  'source/no-connector': null,
  'source/paused': null,
  'source/no-product': null,
}

/** Returns the class of a failed request to a host, or null for any other error. */
export function classifyFailure(code: ErrorCode | null): FailureClass | null {
  return code !== null && code in CLASS_OF ? CLASS_OF[code as keyof typeof CLASS_OF] : null
}
