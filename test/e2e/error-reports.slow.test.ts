// The unexpected errors of a service in an HTTP server in the place of Sentry: one of the scheduler, one of
// a request, and the one that ends the process.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addSource } from '../../src/db/sources.ts'
import { startStandIn } from '../support/stand-in.ts'
import { waitUntil } from '../support/wait-until.ts'
import { openShelfsync } from './shelfsync.ts'

const KEY = 'planted-admin-key-0123456789abcdef'
/** Throws in the middle of everything else when the process receives SIGUSR2. */
const BROKEN = `data:text/javascript,process.on('SIGUSR2',()=>{throw%20new%20TypeError('broken')})`

interface SentEvent {
  readonly level: string
  readonly message: string
  readonly tags: Readonly<Record<string, string>>
  readonly exception?: {
    readonly values: readonly {
      readonly type: string
      readonly value: string
      readonly stacktrace: { readonly frames: readonly { readonly filename: string }[] }
    }[]
  }
}

/** The last line of an envelope is the event. */
function readEvents(bodies: readonly string[]): SentEvent[] {
  return bodies.map((body) => JSON.parse(body.trim().split('\n').at(-1) ?? '') as SentEvent)
}

test('unexpected errors of a service reach Sentry once each, with their correlation id and no secret', async (t) => {
  const sentry = await startStandIn(t)
  const { db, run, start } = await openShelfsync(t, {
    ADMIN_KEY: KEY,
    SENTRY_DSN: `${sentry.url.replace('http://', 'http://publickey@')}/42`,
    NODE_OPTIONS: `--import=${BROKEN}`,
    METRICS_PORT: '0',
    WEB_PORT: '0',
  })
  assert.equal((await run('migrate')).code, 0)
  await db.query(`do $do$ begin execute regexp_replace(
      pg_get_functiondef('catalog.read_feed'::regproc),
      'AS [$]function[$].*', $$AS 'begin raise exception ''refused ${KEY}''; end'$$); end $do$`)
  const service = start('serve', 'web', 'scheduler')
  let log = ''
  service.child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const port = await waitUntil(() => /"web":(\d+)/.exec(log)?.[1])

  for (const cid of ['request-7', 'request-8']) {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/changes`, {
      headers: { 'X-ADMIN-KEY': KEY, 'X-Correlation-Id': cid },
    })
    assert.equal(response.status, 500)
  }
  await addSource(db, {
    name: 'tea-shop',
    connector: 'shopify',
    settings: { currency: 'EUR' },
    schedule: { cron: KEY, zone: 'UTC', fullOn: 'none' },
  })
  await waitUntil(() => log.includes('could not be started'))
  service.child.kill('SIGUSR2')
  assert.equal((await service.result).code, 1)

  const events = readEvents(sentry.bodies)
  assert.deepEqual(
    events.map(({ level, message, tags }) => [level, message.slice(0, 46), tags]),
    [
      ['error', 'internal error', { correlation_id: 'request-7' }],
      ['error', 'the scheduled run could not be started; trying', { source: 'tea-shop' }],
      ['fatal', 'the process ends because of an internal error', {}],
    ],
  )
  assert.match(events[1]?.message ?? '', /"\[redacted\]" is not a valid cron expression/)
  assert.deepEqual(
    events.map(({ exception }) => exception?.values.map(({ type, value }) => [type, value])),
    [[['DatabaseError', 'refused [redacted]']], undefined, [['TypeError', 'broken']]],
  )
  const frames = events[0]?.exception?.values[0]?.stacktrace.frames ?? []
  assert.ok(frames.some(({ filename }) => filename.endsWith('src/http/catalogue/handlers.ts')))
  const sent = sentry.bodies.join('\n')
  for (const word of [KEY, 'server_name', '127.0.0.1', '"user"', '"request"', 'breadcrumbs'])
    assert.ok(!sent.includes(word), word)
})
