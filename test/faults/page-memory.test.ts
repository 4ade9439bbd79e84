// A page is archived unparsed, so its memory depends on its bytes only.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ENVIRONMENT, NODE_FLAGS } from '../../bin/launch.js'
import type { MeasuredPage } from './measured-page.ts'

const MEGABYTE = 1024 * 1024

test('a page of five million short elements is read within 200 MB', async (t) => {
  const program = fileURLToPath(new URL('measured-page.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...NODE_FLAGS, program, '5000000'],
    { env: { ...process.env, ...ENVIRONMENT } },
  )
  const { lines, peakBytes }: MeasuredPage = JSON.parse(stdout)
  t.diagnostic(`${Math.round(peakBytes / MEGABYTE)} MB`)
  assert.equal(lines, 5_000_001)
  assert.ok(peakBytes < 200 * MEGABYTE, `${Math.round(peakBytes / MEGABYTE)} MB`)
})
