// Secrets are planted in every input of the pipeline and searched for in every output.

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { SyncError } from '../../src/core/errors.ts'
import { openTestDatabase } from '../support/database.ts'
import { openMedipim } from '../support/medipim.ts'
import type { TestPipeline } from '../support/pipeline.ts'

const { pool: db } = await openTestDatabase()
const KEY = { id: 'planted-key-id', secret: 'pl4nted-s3cret/&"ü' }
const BASIC = Buffer.from(`${KEY.id}:${KEY.secret}`).toString('base64')
const SPELLINGS = [
  KEY.secret,
  BASIC,
  encodeURIComponent(KEY.secret),
  JSON.stringify(KEY.secret).slice(1, -1),
  Buffer.from(KEY.secret).toString('base64'),
]

async function everythingWritten(
  pipeline: TestPipeline,
  reports: readonly unknown[],
): Promise<string> {
  const texts = [
    ...pipeline.logged,
    ...reports.map((report) => JSON.stringify(report)),
    ...reports.map(errorText),
  ]
  for (const name of await readdir(pipeline.storeRoot, { recursive: true })) {
    if (!/\.(zst|json)$/.test(name)) continue
    const bytes = await readFile(join(pipeline.storeRoot, name))
    texts.push((name.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes).toString())
  }
  const tables = await pipeline.query<{ tablename: string }>(
    `select tablename from pg_tables where schemaname = 'catalog'`,
  )
  for (const { tablename } of tables) {
    const rows = await pipeline.query<{ row: string }>(
      `select row_to_json(t)::text as row from catalog.${tablename} t`,
    )
    // bytea is shown in hexadecimal, so its bytes are searched as text too.
    texts.push(
      ...rows.map(({ row }) => row),
      ...rows.map(({ row }) =>
        row.replaceAll(/\\\\x([0-9a-f]+)/g, (_, hex: string) => Buffer.from(hex, 'hex').toString()),
      ),
    )
  }
  return texts.join('\n')
}

function errorText(report: unknown): string {
  const { error } = report as { error: unknown }
  return error instanceof Error
    ? `${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`
    : ''
}

test('a key reaches no log, artifact, table or error with any response of the supplier', async (t) => {
  const supplier = { keys: [KEY] }
  const { pipeline, simulator } = await openMedipim(t, {
    db,
    key: KEY,
    supplier,
    secrets: [KEY.secret, `${KEY.id}:${KEY.secret}`],
    options: { attemptsMax: 2 },
  })
  const reports = [await pipeline.sync()]
  assert.equal(reports[0]?.state, 'succeeded')
  const body = (text: string): string =>
    JSON.stringify({ error: { status: 500, code: 'internal', message: text } })
  for (const echoed of [`You sent ${KEY.secret}`, `Authorization: Basic ${BASIC}`]) {
    for (const status of [401, 422, 500]) {
      simulator.faults.set({ kind: 'status', status, body: body(echoed), times: null })
      reports.push(await pipeline.sync())
      simulator.faults.clear()
    }
    simulator.faults.set({
      kind: 'insert-line',
      at: 3,
      text: body(echoed),
      path: '/v4/products/stream',
      times: null,
    })
    reports.push(await pipeline.sync())
    simulator.faults.clear()
  }
  simulator.setKey({ id: KEY.id, secret: 'another' })
  reports.push(await pipeline.sync())
  await assertNothingSaid(pipeline, reports)
})

test('a key that the supplier quotes in a response header is stored nowhere', async (t) => {
  const supplier = { keys: [KEY] }
  const { pipeline, simulator } = await openMedipim(t, {
    db,
    key: KEY,
    supplier,
    secrets: [KEY.secret, `${KEY.id}:${KEY.secret}`],
    options: { attemptsMax: 2 },
  })
  const reports = [await pipeline.sync()]
  const quoted = encodeURIComponent(KEY.secret)
  const answers: readonly (readonly [
    status: number,
    headers: Record<string, string>,
    code: string,
  ])[] = [
    [401, { 'www-authenticate': `Basic realm="${KEY.secret}"` }, 'source/unauthorized'],
    [429, { 'retry-after': KEY.secret }, 'source/rate-limited'],
    [
      503,
      {
        'retry-after': BASIC,
        'set-cookie': `key=${BASIC}`,
        'x-request-id': KEY.secret,
        'content-type': `text/html; key="${quoted}"`,
      },
      'source/unavailable',
    ],
    [302, { location: `/login?key=${quoted}` }, 'source/gone'],
    [302, { location: `http://${KEY.id}:${quoted}@127.0.0.1/` }, 'source/address-refused'],
    [302, { location: `http://127.0.0.1:1/${quoted}` }, 'source/unavailable'],
    [302, { location: `http://[${KEY.secret}` }, 'source/unavailable'],
    [302, { location: `ftp://127.0.0.1/${quoted}` }, 'source/address-refused'],
  ]
  for (const [status, headers, code] of answers) {
    simulator.faults.set({
      kind: 'status',
      status,
      headers,
      times: null,
      path: '/v4/products/stream',
    })
    const report = await pipeline.sync()
    assert.equal(report.error instanceof SyncError && report.error.code, code, report.reason ?? '')
    reports.push(report)
    simulator.faults.clear()
    // Several of these responses in a row open the circuit breaker.
    await db.query('delete from catalog.circuit_breakers')
  }
  await assertNothingSaid(pipeline, reports)
})

test('no half of a key is stored when a text that quotes it is cut', async (t) => {
  const secrets = [KEY.secret, `${KEY.id}:${KEY.secret}`]
  const supplier = { products: 60, keys: [KEY] }
  const { pipeline, simulator } = await openMedipim(t, {
    db,
    key: KEY,
    supplier,
    secrets,
    options: { attemptsMax: 1 },
  })
  const reports = []
  const spellings = [
    KEY.secret,
    BASIC,
    Buffer.from(KEY.secret).toString('base64'),
    Buffer.from(`key=${KEY.secret};`).toString('base64'),
  ]
  // Every limit that cuts a text: of a code, of a message, of a whole reason.
  for (const limit of [60, 300, 1000]) {
    for (const spelling of spellings) {
      const text = 'x'.repeat(limit - 14) + spelling + 'y'.repeat(limit)
      const body = JSON.stringify({ error: { status: 500, code: text, message: text } })
      simulator.faults.set({
        kind: 'status',
        status: 422,
        body,
        times: null,
        path: '/v4/products/stream',
      })
      reports.push(await pipeline.sync())
      simulator.faults.set({
        kind: 'insert-line',
        at: 3,
        text: body,
        path: '/v4/products/stream',
        times: null,
      })
      reports.push(await pipeline.sync())
      simulator.faults.clear()
      simulator.fields.add(text)
    }
  }
  reports.push(await pipeline.sync())
  assert.match(pipeline.logged.join(''), /kept in raw only: x{46}/)
  await assertNothingSaid(pipeline, reports)
  for (const { reason } of reports.slice(0, -1))
    assert.match(reason ?? '', /x{20}/, 'the rest is kept')
})

test('text of a record in a warning or in quarantine is redacted before it is cut', async (t) => {
  const { pipeline, simulator } = await openMedipim(t, {
    db,
    supplier: { products: 60 },
    secrets: [KEY.secret],
  })
  const ids = simulator.catalogue.visible().map(simulator.catalogue.idOf)
  const quoting = (length: number): string => 'x'.repeat(length - 8) + KEY.secret
  simulator.faults.set(
    { kind: 'patch', ids: [ids[1] ?? ''], patch: { status: quoting(40) }, times: null },
    {
      kind: 'patch',
      ids: [ids[2] ?? ''],
      patch: { weightWithUnit: { value: 1, unit: quoting(20) } },
      times: null,
    },
    {
      kind: 'insert-line',
      at: 5,
      text: `{"meta": no JSON ${quoting(12)}`,
      path: '/v4/products/stream',
      times: null,
    },
  )
  await pipeline.sync()
  const rows = await pipeline.query<{ written: string }>(`
    select warnings::text as written from catalog.products where warnings is not null union all select message from catalog.quarantine`)
  const written = rows.map((row) => row.written).join('\n')
  assert.match(written, /x{30}\[redacted\]/)
  assert.match(written, /x{10}\[redacted\]\\" is unknown/)
  assert.match(written, /invalid JSON: /)
  assert.doesNotMatch(written, /pl4n/)
})

test("an error code of two megabytes fills neither the log nor the run's row", async (t) => {
  const { pipeline, simulator } = await openMedipim(t, { db, options: { attemptsMax: 1 } })
  const error = { status: 500, code: 'c'.repeat(2_000_000), message: 'm'.repeat(2_000_000) }
  simulator.faults.set({
    kind: 'insert-line',
    at: 3,
    text: JSON.stringify({ error }),
    path: '/v4/products/stream',
    times: null,
  })
  const report = await pipeline.sync()
  assert.match(report.reason ?? '', /c{50,}….*m{200,}…/)
  const written = await everythingWritten(pipeline, [report])
  assert.ok(pipeline.logged.join('').length + String(report.reason).length < 50_000)
  assert.doesNotMatch(written, /c{1000}|m{1000}/)
})

async function assertNothingSaid(
  pipeline: TestPipeline,
  reports: readonly unknown[],
): Promise<void> {
  const written = await everythingWritten(pipeline, reports)
  assert.ok(
    written.includes('run started') && written.includes('embedUrl'),
    'there is something to look through',
  )
  for (const spelling of SPELLINGS) {
    assert.equal(written.includes(spelling), false, spelling)
    // A redactor could not recognise half of a secret later. (The id, with which some of them
    // begin, is not a secret.)
    const half = spelling.slice(0, Math.ceil(spelling.length / 2))
    if (spelling !== BASIC) assert.equal(written.includes(half), false, half)
  }
}
