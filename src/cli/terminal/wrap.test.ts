import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { measureText } from './measure-text.ts'
import { wrapText } from './wrap.ts'

const wrap = (text: string, width: number): string[] => wrapText(text, width).split('\n')

test('a long line wraps at words, under the beginning of its text', () => {
  assert.deepEqual(wrap('one two three four', 60), ['one two three four'])
  assert.deepEqual(wrap(`  reason      ${'because '.repeat(6).trim()}`, 44), [
    '  reason      because because because',
    '              because because because',
  ])
  assert.deepEqual(wrap(`fail  database       ${'no '.repeat(20).trim()}`, 60), [
    `fail  database       ${'no '.repeat(13).trim()}`,
    `${' '.repeat(21)}${'no '.repeat(7).trim()}`,
  ])
  assert.deepEqual(wrap('  because: too many products are missing here', 30), [
    '  because: too many products',
    '    are missing here',
  ])
})

test('a command and text in backticks stay whole', () => {
  assert.deepEqual(
    wrap('decide: shelfsync runs diff 7 · shelfsync runs approve 7 · shelfsync runs reject 7', 40),
    [
      'decide: shelfsync runs diff 7 ·',
      '  shelfsync runs approve 7 ·',
      '  shelfsync runs reject 7',
    ],
  )
  assert.deepEqual(wrap('List them all with `shelfsync runs list`, then decide', 30), [
    'List them all with',
    '  `shelfsync runs list`, then',
    '  decide',
  ])
  assert.deepEqual(wrap('Set the key: npx shelfsync init; then try once more', 20), [
    'Set the key:',
    '  npx shelfsync init;',
    '  then try once more',
  ])
  const long = 'https://some-shop.example/with/a/long/path'
  assert.deepEqual(wrap(`Read ${long} again`, 20), ['Read', `  ${long}`, '  again'])
})

test('a command that fits a line, but not under its text, moves to the left and stays whole', () => {
  assert.deepEqual(wrap('  record      print it: shelfsync explain my-shop 1001 --raw', 44), [
    '  record      print it:',
    '        shelfsync explain my-shop 1001 --raw',
  ])
  assert.deepEqual(wrap('ok    artifacts      file:/var/lib/shelfsync/artifacts is writable', 52), [
    'ok    artifacts',
    '                   file:/var/lib/shelfsync/artifacts',
    '                     is writable',
  ])
  const longer = `address      https://some-shop.example/${'a'.repeat(30)}`
  assert.deepEqual(wrap(longer, 50), [longer])
})

test('short facts of a list stay whole', () => {
  assert.deepEqual(wrap('  fetched 3 · held 0 · removed 0 · missing 0', 21), [
    '  fetched 3 ·',
    '    held 0 ·',
    '    removed 0 ·',
    '    missing 0',
  ])
  assert.deepEqual(wrap('are missing (more than 15 %)', 27), ['are missing (more than', '  15 %)'])
})

test('wide characters take two columns', () => {
  assert.deepEqual(wrap('薬局薬局 薬局薬局 薬局薬局', 20), ['薬局薬局 薬局薬局', '  薬局薬局'])
})

test('wrapped text has the words of the text in their order, and only single words are too wide', () => {
  const words = fc.array(
    fc.constantFrom(
      'a',
      'word',
      '·',
      '`code',
      'x`',
      'shelfsync',
      'runs',
      '7;',
      '  label  ',
      '薬局',
    ),
  )
  fc.assert(
    fc.property(words, fc.integer({ min: 40, max: 100 }), (list, width) => {
      const text = list.join(' ')
      const lines = wrap(text, width)
      const split = (one: string): string[] => one.split(/\s+/).filter((word) => word !== '')
      assert.deepEqual(split(lines.join('\n')), split(text))
      for (const line of lines)
        if (measureText(line) > width) assert.match(line.trim(), /^\S+$|shelfsync|`|·$/)
    }),
  )
})
