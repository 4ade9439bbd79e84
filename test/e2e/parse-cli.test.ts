// `shelfsync parse` as a process: it reads standard input, and needs neither settings nor a database.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { MAIN } from './shelfsync.ts'

/** Without the environment of the tests, so that the command cannot read a setting. */
function startParse(...args: readonly string[]): ReturnType<typeof spawn> {
  return spawn(process.execPath, [MAIN, 'parse', ...args], { env: {}, stdio: 'pipe' })
}

async function parse(
  input: string,
  ...args: readonly string[]
): Promise<{
  readonly code: unknown
  readonly lines: readonly Record<string, unknown>[]
  readonly stderr: string
}> {
  const child = startParse(...args)
  assert.ok(child.stdout && child.stderr && child.stdin)
  const exit = once(child, 'exit')
  child.stdin.end(input)
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exit])
  const lines = stdout.split('\n').filter((line) => line !== '')
  return { code, stderr, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

const GOOD = '{"input":"2 x 250g / Whole Bean","field":"variant_title"}'

test('each line of standard input is printed with its values', async () => {
  const { code, lines, stderr } = await parse(`${GOOD}\n{"input":"Ethiopia Guji","field":"tag"}`)
  assert.equal(code, 0)
  assert.equal(stderr, '')
  assert.deepEqual(
    lines.map(({ total_weight_g, grind, country }) => [total_weight_g, grind, country]),
    [
      [500, 'whole', null],
      [null, null, 'ET'],
    ],
  )
})

test('a bad line is an error with its number and exit code 1, and the other lines are printed', async () => {
  for (const flags of [[], ['--json']]) {
    const { code, lines, stderr } = await parse(`${GOOD}\n{"input":\n${GOOD}\n`, ...flags)
    assert.equal(code, 1)
    assert.equal(lines.length, 2)
    assert.match(stderr, /Line 2 is not JSON: /)
  }
})

test('a line is printed as soon as it has arrived', async (t) => {
  const child = startParse()
  t.after(() => child.kill())
  assert.ok(child.stdout && child.stdin)
  child.stdin.write(`${GOOD}\n`)
  const [first] = (await once(child.stdout, 'data')) as [Buffer]
  assert.match(String(first), /"total_weight_g":500/)
})
