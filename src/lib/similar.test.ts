import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findSimilar } from './similar.ts'

test('a misspelt name is found: a letter too many, missing, wrong or swapped', () => {
  const names = ['medipim', 'saltbush', 'runs', 'reviews']
  for (const [word, meant] of [
    ['medpim', 'medipim'],
    ['meddipim', 'medipim'],
    ['Medipim', 'medipim'],
    ['slatbush', 'saltbush'],
    ['rnus', 'runs'],
    ['review', 'reviews'],
    ['bogus', null],
    ['', null],
  ] as const)
    assert.equal(findSimilar(word, names), meant, word)
})
