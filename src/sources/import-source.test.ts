// The source that an import reads, among several.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../test/support/database.ts'
import { amazon } from '../connectors/amazon/connector.ts'
import { CONNECTORS } from '../connectors/registry.ts'
import { SyncError } from '../core/errors.ts'
import { addSource } from '../db/sources.ts'
import { bindConnector } from './bound-source.ts'
import { chooseImportSource, readTypedKeys } from './import-source.ts'
import { chooseSchedule } from './schedule.ts'

const { pool: db } = await openTestDatabase()

const add = (name: string, settings: Record<string, string>) =>
  addSource(db, {
    name,
    connector: 'amazon',
    settings,
    schedule: chooseSchedule(amazon, name),
    policy: amazon.policy,
  })
const choose = async (
  given: { source?: string; marketplace?: string },
  values: Record<string, string> = {},
): Promise<string> => {
  const choice = { source: null, marketplace: null, ...given }
  try {
    return (await chooseImportSource({ db, connectors: CONNECTORS, values }, choice)).name
  } catch (error) {
    assert.ok(error instanceof SyncError, String(error))
    return `${error.code}: ${error.message}`
  }
}
const DE = { AMAZON_MARKETPLACE: 'www.amazon.de' }

test('a marketplace, its variable, the only source, or a name chooses the source', async () => {
  assert.match(await choose({}), /^source\/unknown: .*shelfsync add amazon$/)
  assert.match(
    await choose({}, DE),
    /^source\/unknown: .*add amazon --marketplace www\.amazon\.de$/,
  )
  // Stored without a marketplace: the default of the connector.
  await add('amazon-us', {})
  assert.equal(await choose({}), 'amazon-us')
  assert.match(await choose({}, DE), /No source reads www\.amazon\.de/)
  await add('amazon-de', { marketplace: 'www.amazon.de' })
  assert.equal(await choose({}, DE), 'amazon-de')
  assert.equal(await choose({ marketplace: 'www.amazon.com' }, DE), 'amazon-us')
  assert.match(
    await choose({}),
    /^usage\/invalid: .*amazon-de \(www\.amazon\.de\), amazon-us \(www\.amazon\.com\)\. Name/,
  )
  await add('amazon-de-2', { marketplace: 'www.amazon.de' })
  assert.match(await choose({ marketplace: 'www.amazon.de' }), /amazon-de .*amazon-de-2/)
  assert.equal(await choose({ source: 'amazon-de-2' }), 'amazon-de-2')
  assert.match(
    await choose({ source: 'amazon-de', marketplace: 'www.amazon.com' }),
    /reads www\.amazon\.de, not www\.amazon\.com/,
  )
  assert.match(await choose({ marketplace: 'amazon.com' }), /^usage\/invalid: .*must be a market/)
  assert.match(await choose({ source: 'amazon-dd' }), /^source\/unknown: .*did you mean amazon-de/)
})

test('typed products are keys once each, and the others keep their places', async () => {
  const source = await chooseImportSource(
    { db, connectors: CONNECTORS, values: {} },
    { source: 'amazon-us', marketplace: null },
  )
  const { keys, refused } = readTypedKeys(bindConnector(amazon, source), [
    'b08dqq8cbp',
    'B08',
    'https://www.amazon.com/dp/B08DQQ8CBP',
    'B0C1H26C46',
    '',
  ])
  assert.deepEqual(keys, ['B08DQQ8CBP', 'B0C1H26C46'])
  assert.deepEqual(
    refused.map(({ index }) => index),
    [1, 4],
  )
})
