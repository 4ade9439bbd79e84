// Schemas of values that several settings share. Each message completes a sentence that begins with
// `expected`, and never quotes the value, which may be a secret.

import { z } from 'zod'
import { parseHostPattern } from '../node/host-patterns.ts'
import { createNetworks } from '../node/networks.ts'
import { findUnencoded } from './connection-address.ts'

const PORT_MAX = 65_535

export function matching(pattern: RegExp, expected: string): z.ZodString {
  return z.string().regex(pattern, { error: expected })
}

export const Switch = z
  .enum(['true', 'false'], { error: 'true or false' })
  .transform((text) => text === 'true')

export const Host = matching(/^[\w.:-]{1,253}$/, 'an address or a host name, without a port')

export const Port = z
  .string()
  .regex(/^\d{1,5}$/, { error: 'a port number' })
  .transform(Number)
  .refine((value) => value <= PORT_MAX, { error: 'a port number' })

export const HttpUrl = z.string().refine(isHttpUrl, {
  error: 'an http or https address without credentials',
})

/** A whole number from 1 to `max`, which must be below 1,000,000. */
export function upTo(max: number): z.ZodType<number> {
  const expected = { error: `a number from 1 to ${max}` }
  return z
    .string()
    .regex(/^[1-9]\d{0,5}$/, expected)
    .transform(Number)
    .refine((value) => value <= max, expected)
}

/** An address that may contain a password. */
export function connectionAddress(
  scheme: RegExp,
  expected: string,
  findFault: (text: string) => string | null = () => null,
): z.ZodString {
  return z
    .string()
    .regex(scheme, { error: expected, abort: true })
    .superRefine((text, context) => {
      const problem =
        findUnencoded(text) ??
        (/\s/.test(text) ? `${expected} without blanks` : null) ??
        findFault(text)
      if (problem !== null) context.addIssue({ code: 'custom', message: problem, continue: false })
    })
}

export const HostPatterns = listOf(
  'a list of host, host:port, address and CIDR range such as 127.0.0.1,shop.internal:8080,10.0.0.0/8',
  'is not one of these',
  (entry) => parseHostPattern(entry),
)

export const Networks = listOf(
  'addresses and CIDR ranges such as 127.0.0.1,10.0.0.0/8',
  'is neither',
  (entry) => createNetworks([entry]),
)

const RATE = /^([a-z][a-z0-9-]*)=([1-9]\d{0,5})\/(s|min|h|day)$/
const PERIODS_MS = { s: 1_000, min: 60_000, h: 3_600_000, day: 86_400_000 } as const

/** Rates such as `host=1/s`, as milliseconds between two requests of each scope. */
export const RequestRates = listOf(
  'rates such as host=1/s,shopify=120/min',
  'is none',
  parseRate,
).transform((entries) => new Map(entries.map(parseRate)))

function parseRate(entry: string): readonly [scope: string, intervalMs: number] {
  const [, scope, requests, period] = RATE.exec(entry) ?? []
  if (scope === undefined) throw new RangeError(`${entry} is not a rate`)
  return [scope, PERIODS_MS[period as keyof typeof PERIODS_MS] / Number(requests)]
}

/** A list of entries separated by commas. `parse` throws for an invalid entry. */
function listOf(
  expected: string,
  verdict: string,
  parse: (entry: string) => unknown,
): z.ZodType<readonly string[]> {
  return z.string().transform((text, context) => {
    const entries = text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '')
    const wrong = entries.findIndex((entry) => !parses(entry, parse))
    if (wrong === -1) return entries
    context.addIssue({ code: 'custom', message: `${expected}; entry ${wrong + 1} ${verdict}` })
    return z.NEVER
  })
}

function parses(entry: string, parse: (entry: string) => unknown): boolean {
  try {
    parse(entry)
    return true
  } catch {
    return false
  }
}

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text)
  // An "@" after the host may be the end of a password that contains a "/".
  return url !== null && /^https?:$/.test(url.protocol) && !text.includes('@')
}
