import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTable } from './table.ts'

test('table columns fit their widest cell, and numbers are aligned to the right', () => {
  assert.equal(
    formatTable(
      ['name', 'n', 'note'],
      [
        ['a', 1200, null],
        ['longer', 7, 'x'],
      ],
    ),
    'name        n  note\na       1,200  -\nlonger      7  x',
  )
  assert.equal(formatTable(['name'], []), '')
})

test('on a narrow terminal, a row becomes lines, and a long fact continues under its heading', () => {
  const rows = [['2', 'M40643A3B4 pharmacist (Glucose Test Strips 2 Pack 4863)', 'the price rose']]
  assert.equal(
    formatTable(['review', 'subject', 'reason'], rows, { width: 40 }),
    [
      'review 2',
      '  subject M40643A3B4 pharmacist (Glucose',
      '    Test Strips 2 Pack 4863)',
      '  reason the price rose',
    ].join('\n'),
  )
  assert.doesNotMatch(
    formatTable(['product', 'detail'], [['M005145B85', 'title: "One" → "Two, and more"']], {
      width: 30,
    }),
    /…/,
  )
})
