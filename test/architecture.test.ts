// ARCHITECTURE.md lists the modules that a record passes through; the list must be true.

import assert from 'node:assert/strict'
import { test } from 'node:test'
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
    /parts\.ts and .*lines\.ts are not linked/,
  )
  assert.match(
    findWrongRoom(rooms.map((room) => ({ ...room, name: 'Lane.fly' }))) ?? '',
    /does not define Lane\.fly/,
  )
})
