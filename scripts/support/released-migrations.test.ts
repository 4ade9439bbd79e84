import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { Migration } from '../../src/db/migrate/migration-files.ts'
import { listChangedReleases, parseReleased, renderReleased } from './released-migrations.ts'

test('a released migration that was changed or removed is named; a new one may be added', () => {
  const [first, second, third] = [
    migrationOf('1', 'a'),
    migrationOf('2', 'b'),
    migrationOf('3', 'c'),
  ]
  const released = parseReleased(`# Comment\n${renderReleased([first, second], new Map())}`)
  assert.deepEqual([...released.keys()], ['1_test.sql', '2_test.sql'])
  assert.deepEqual(listChangedReleases([first, second, third], released), [])
  assert.deepEqual(listChangedReleases([first, migrationOf('2', 'x')], released), ['2_test.sql'])
  assert.deepEqual(listChangedReleases([second], released), ['1_test.sql'])
})

test('a release records only the migrations that were not released before', () => {
  const [first, second] = [migrationOf('1', 'a'), migrationOf('2', 'b')]
  const released = parseReleased(renderReleased([first], new Map()))
  assert.equal(renderReleased([first, second], released), `${second.checksum}  2_test.sql\n`)
  assert.equal(renderReleased([first], released), '')
})

function migrationOf(version: string, sql: string): Migration {
  const checksum = createHash('sha256').update(sql).digest('hex')
  return { version, name: 'test', file: `${version}_test.sql`, sql, checksum }
}
