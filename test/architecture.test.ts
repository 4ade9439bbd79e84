// ARCHITECTURE.md lists the modules that a record passes through; the list must be true.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { listForbiddenImports } from '../scripts/arrows.ts'
import { findWrongRoom, listRooms } from '../scripts/support/record-way.ts'

test('each module on the way of a record hands it to the next, in at most 12 steps', () => {
  const rooms = listRooms()
  assert.equal(findWrongRoom(rooms), null)
  assert.ok(rooms.length <= 12, `${rooms.length} modules`)
  assert.equal(rooms[0]?.path, 'src/pipeline/fetch.ts')
  assert.equal(rooms.at(-1)?.path, 'src/db/write/merge-records.ts')
})

test('a module that is missing on the way, or does not define its function, is noticed', () => {
  const rooms = listRooms()
  const without = (path: string) => rooms.filter((room) => room.path !== path)
  assert.match(
    findWrongRoom(without('src/pipeline/apply/lane.ts')) ?? '',
    /parts\.ts and .*line-batches\.ts are not linked/,
  )
  assert.match(
    findWrongRoom(rooms.map((room) => ({ ...room, name: 'Lane.fly' }))) ?? '',
    /does not define Lane\.fly/,
  )
})

const page = readFileSync(new URL('../ARCHITECTURE.md', import.meta.url), 'utf8')

test('the arrows of the page are those that the check enforces', () => {
  const folders = /^cli → .*$/m.exec(page)?.[0].split(' → ') ?? []
  assert.ok(folders.length > 10, folders.join())
  for (const [index, from] of folders.entries()) {
    for (const [other, to] of folders.entries()) {
      if (index === other) continue
      const wrong = listForbiddenImports(`src/${from}/a.ts`, `import { b } from '../${to}/b.ts'\n`)
      assert.equal(wrong.length === 0, index < other, `${from} → ${to}`)
    }
  }
})

test('the table of folders contains every folder of src/', () => {
  const root = new URL('../src/', import.meta.url)
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const { name } of folders) assert.match(page, new RegExp(`^\\| .*\`src/${name}/\``, 'm'))
})
