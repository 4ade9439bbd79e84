import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '../../core/errors.ts'
import { printList } from './list.ts'
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

test('a result is printed as text, or as one JSON line with --json', () => {
  const people = capture()
  people.output.result({ run: 7 }, 'Run 7')
  people.output.say('and so on')
  assert.equal(people.out(), 'Run 7\nand so on\n')
  const machines = capture({ json: true })
  machines.output.result({ run: 7, at: new Date(0) }, 'Run 7')
  machines.output.say('and so on')
  assert.equal(machines.out(), '{"run":7,"at":"1970-01-01T00:00:00.000Z"}\n')
})

test('a secret that cannot be an ordinary word is redacted on standard output and standard error, as text and as JSON', () => {
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

test('text is put on one line and cut after redaction, and a table cell has a limit', () => {
  const { output, out } = capture()
  output.hide(['hunter22!and-more'])
  assert.equal(output.short('a\n b', 10), 'a b')
  assert.equal(output.short('xxxx hunter22!and-more', 14), 'xxxx [redacte…')
  assert.equal(output.short('abcdef', 4), 'abc…')
  printList(output, [], { headings: ['id'], rows: [['x'.repeat(1_000_000)]], empty: 'none' })
  assert.equal(out().length, 'id\n'.length + 1000 + '\n'.length)
})

test('a secret that is an ordinary word is redacted only in unexpected errors', () => {
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
    printList(output, [result], { headings: words, rows: [words], empty: '' })
    assert.doesNotMatch(out(), /redacted/)
    if (json) assert.deepEqual(JSON.parse(out().split('\n')[0] ?? ''), result)
    output.error(new SyncError('source/unknown', 'Unknown source "medipim-au"'))
    assert.match(err(), /Unknown source \\?"medipim-au\\?"/)
    output.error(new Error('the driver says: medipim'))
    assert.match(err(), /internal error: the driver says: \[redacted\]/)
  }
})

test('a named error prints its message and hint, an unexpected error one line; --verbose adds the stack', () => {
  const plain = capture()
  plain.output.error(new SyncError('run/unknown', 'Unknown run 7'))
  plain.output.error(new TypeError('x is not a function'))
  assert.match(
    plain.err(),
    /^error: Unknown run 7\n hint: List the runs with `shelfsync runs`\.\nerror: internal error: x is not a function\n hint: .*--verbose/,
  )
  assert.doesNotMatch(plain.err(), /output\.test\.ts/)
  const verbose = capture({ verbose: true })
  verbose.output.error(new TypeError('x is not a function'))
  assert.match(verbose.err(), /output\.test\.ts/)
})

test('a cancellation does not print an error', () => {
  const { output, err } = capture()
  output.error(AbortSignal.abort().reason)
  assert.equal(err(), '')
})

test('messages are printed above the progress bars', () => {
  const { output, err } = capture()
  const above: string[] = []
  output.aboveBars = (text) => above.push(text)
  output.note('retrying')
  assert.deepEqual([above, err()], [['retrying\n'], ''])
})
