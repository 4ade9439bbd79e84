import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '../core/errors.ts'
import { Output } from './output.ts'

function capture(flags: { json?: boolean; verbose?: boolean } = {}): {
  output: Output
  out: () => string
  err: () => string
} {
  const written = { out: '', err: '' }
  const output = new Output(
    { write: (text) => (written.out += text) },
    { write: (text) => (written.err += text) },
  )
  Object.assign(output, flags)
  return { output, out: () => written.out, err: () => written.err }
}

test('results are text for people and one JSON line for machines', () => {
  const people = capture()
  people.output.result({ run: 7 }, 'Run 7')
  people.output.say('and so on')
  assert.equal(people.out(), 'Run 7\nand so on\n')
  const machines = capture({ json: true })
  machines.output.result({ run: 7, at: new Date(0) }, 'Run 7')
  machines.output.say('and so on')
  assert.equal(machines.out(), '{"run":7,"at":"1970-01-01T00:00:00.000Z"}\n')
})

test('nothing leaves with a secret in it that cannot be a word, on either side and in either form', () => {
  for (const json of [false, true]) {
    const { output, out, err } = capture({ json, verbose: true })
    output.hide(['hunter22!x'])
    output.result({ name: 'hunter22!x' }, 'hunter22!x')
    output.note('hunter22!x')
    output.error(
      new SyncError('source/rejected', 'no: hunter22!x', { cause: new Error('hunter22!x') }),
    )
    assert.doesNotMatch(out() + err(), /hunter22/)
  }
})

test('text is cut after its secrets are out, on one line, and a cell is never megabytes long', () => {
  const { output, out } = capture()
  output.hide(['hunter22!and-more'])
  assert.equal(output.short('a\n b', 10), 'a b')
  assert.equal(output.short('xxxx hunter22!and-more', 14), 'xxxx [redacte…')
  assert.equal(output.short('abcdef', 4), 'abc…')
  output.list([], ['id'], [['x'.repeat(1_000_000)]], 'none')
  assert.equal(out().length, 'id\n'.length + 1000 + '\n'.length)
})

test('a secret that is a word of ours changes nothing that we say, and is taken out of an error that is not ours', () => {
  for (const json of [false, true]) {
    const { output, out, err } = capture({ json })
    const words = [
      'medipim',
      'removed',
      'postgres',
      'secret',
      '2026',
      'medipim-au',
      'source/unknown',
    ]
    output.hide(words)
    const result = {
      removed: 2026,
      source: 'medipim-au',
      secret_at: '2026-01-01',
      address: 'postgres://user:password@host:5432/postgres',
    }
    output.result(result, words.join(' '))
    output.list([result], words, [words], '')
    assert.doesNotMatch(out(), /redacted/)
    if (json) assert.deepEqual(JSON.parse(out().split('\n')[0] ?? ''), result)
    output.error(new SyncError('source/unknown', 'There is no source "medipim-au"'))
    assert.match(err(), /There is no source \\?"medipim-au\\?"/)
    output.error(new Error('the driver says: medipim'))
    assert.match(err(), /internal error: the driver says: \[redacted\]/)
  }
})

test('an error of ours is its message and a hint, any other is short; the stack is for --verbose', () => {
  const plain = capture()
  plain.output.error(new SyncError('run/unknown', 'There is no run 7'))
  plain.output.error(new TypeError('x is not a function'))
  assert.match(
    plain.err(),
    /^error: There is no run 7\n hint: List the runs with `shelfsync runs`\.\nerror: internal error: x is not a function\n hint: .*--verbose/,
  )
  assert.doesNotMatch(plain.err(), /output\.test\.ts/)
  const verbose = capture({ verbose: true })
  verbose.output.error(new TypeError('x is not a function'))
  assert.match(verbose.err(), /output\.test\.ts/)
})

test('a cancellation is not told as an error', () => {
  const { output, err } = capture()
  output.error(AbortSignal.abort().reason)
  assert.equal(err(), '')
})

test('while bars are drawn, what is said goes above them', () => {
  const { output, err } = capture()
  const above: string[] = []
  output.aboveBars = (text) => above.push(text)
  output.note('retrying')
  assert.deepEqual([above, err()], [['retrying\n'], ''])
})
