// Measures the memory of a fetch in a separate process, because a supplier in the same process
// would count too. That process runs the file that called `testConnector`, which then measures
// instead of testing. It measures no time, and garbage does not count.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Scope } from '../../src/core/connector.ts'
import { createAddressGuard } from '../../src/node/address-guard.ts'
import { createHttp } from '../../src/node/http-client.ts'
import { measureBufferBytes } from '../support/memory.ts'
import { credentialsOf, type Subject } from './rig.ts'

export interface Measure {
  readonly feedBytes: number
  /** The peak of reachable memory while pages were read, minus the memory before the fetch. */
  readonly peakBytes: number
}

const ORIGINS = 'SHELFSYNC_MEASURE_ORIGINS'
/** Not on every page, because collecting garbage is slow and growth shows later too. */
const PAGES_A_SAMPLE = 3

/**
 * Measures a fetch from each of `origins`, in order. The first one is fetched twice, so that its
 * measurement excludes loading and compiling code.
 */
export async function measureApart(
  { file, ...subject }: Subject,
  origins: readonly string[],
): Promise<Measure[]> {
  const [entry = process.argv[1] ?? '', ...parameters] = file ?? []
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = promisify(execFile)(process.execPath, [entry, ...parameters], {
    env: { ...env, [ORIGINS]: origins.join(' ') },
  })
  const { stdout, stderr } = await child
  if (stdout === '') throw new Error(`${subject.connector.name} was not measured: ${stderr}`)
  return JSON.parse(stdout)
}

/** Returns true in a process for measuring, after it has measured and printed the result. */
export function measureWhenAsked(subject: Subject): boolean {
  const origins = process.env[ORIGINS]?.split(' ')
  if (origins === undefined) return false
  // The file may have started a service that the subject uses.
  void measureAll(subject, origins).then((measures) =>
    process.stdout.write(JSON.stringify(measures), () => process.exit()),
  )
  return true
}

async function measureAll(subject: Subject, origins: readonly string[]): Promise<Measure[]> {
  const measures: Measure[] = []
  const { keys = null, size } = subject
  // The second supplier has ten times as many products.
  const scopes: Scope[] = [size, size * 10].map((count) =>
    keys === null ? { kind: 'all' } : { kind: 'keys', keys: keys(count) },
  )
  for (const index of [0, ...origins.keys()])
    measures.push(await measure(subject, origins[index] ?? '', scopes[index] ?? { kind: 'all' }))
  return measures.slice(1)
}

async function measure(subject: Subject, origin: string, scope: Scope): Promise<Measure> {
  const { connector, settings, pagesASample = PAGES_A_SAMPLE } = subject
  const http = createHttp({
    guard: createAddressGuard(['127.0.0.1']),
    userAgent: 'shelfsync-conformance',
  })
  const request = {
    settings: connector.settings.parse(settings(origin)),
    credentials: credentialsOf(subject),
    scope,
    cursor: null,
    http,
    warn: () => {},
  } as const
  const before = reachableBytes()
  let [pageCount, feedBytes, peakBytes] = [0, 0, 0]
  for await (const { bytes } of connector.fetch(request, new AbortController().signal)) {
    feedBytes += bytes.length
    if (pageCount++ % pagesASample === 0) peakBytes = Math.max(peakBytes, reachableBytes() - before)
  }
  await http.close()
  return { feedBytes, peakBytes }
}

function reachableBytes(): number {
  return measureBufferBytes() + process.memoryUsage().heapUsed
}
