// Checks that every test named in docs/promises.md exists.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'

const root = new URL('../../', import.meta.url)

test('every promise is planned or names a test that exists', async () => {
  const page = await readFile(new URL('docs/promises.md', root), 'utf8')
  const rows = page
    .split('\n')
    .filter((row) => /^\| \d/.test(row))
    .map((row) => row.split('|').map((cell) => cell.trim()))
  const promises = new Set<number>()
  for (const [, number, , file = '', name = '', status] of rows) {
    promises.add(Number(number))
    if (status === 'planned') continue
    assert.equal(status, 'kept', `promise ${number}`)
    const source = (await readFile(new URL(file, root), 'utf8')).replaceAll("\\'", "'")
    const title = name
      .split('…')
      .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.+')
    assert.match(
      source,
      new RegExp(`test\\(\\s*['"\`]${title}['"\`]`),
      `${file} has no test "${name}"`,
    )
  }
  assert.deepEqual(
    [...promises],
    Array.from({ length: 30 }, (_, index) => index + 1),
  )
})
