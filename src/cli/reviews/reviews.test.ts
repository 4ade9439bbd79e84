import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listDecisionCommands } from './reviews.ts'

test('the list of reviews ends with the commands that apply to it', () => {
  const [price, run] = [{ kind: 'price' }, { kind: 'run' }] as const
  const kindsIn = (open: Parameters<typeof listDecisionCommands>[0]) =>
    listDecisionCommands(open).map((line) => /shelfsync (\w+) approve/.exec(line)?.[1])
  assert.deepEqual(kindsIn([]), [])
  assert.deepEqual(kindsIn([price, price]), ['reviews'])
  assert.deepEqual(kindsIn([run]), ['runs'])
  assert.deepEqual(kindsIn([run, price]), ['reviews', 'runs'])
})
