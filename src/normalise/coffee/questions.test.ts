import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findCoffeeQuestions } from './questions.ts'

const ALL = findCoffeeQuestions({})

test('only fields without a value are asked about, and only for coffee', () => {
  const asked = findCoffeeQuestions({ roast_level: 'dark', country: null, region: 'Huila' })
  assert.deepEqual(
    asked.map(({ field }) => field),
    ['process', 'species', 'varieties', 'country', 'flavour_notes'],
  )
  assert.deepEqual(findCoffeeQuestions({ is_coffee: false }), [])
})

test('the words of a field are read by the rules of that field', () => {
  const read = (field: string, words: string): unknown =>
    ALL.find((question) => question.field === field)?.read(words)
  assert.equal(read('roast_level', 'medium dark'), 'medium_dark')
  assert.equal(read('process', 'natural'), 'natural')
  assert.equal(read('country', 'Ethiopia'), 'ET')
  assert.deepEqual(read('varieties', 'Bourbon'), ['Bourbon'])
  for (const { field } of ALL) assert.equal(read(field, 'REVIEW_REQUIRED'), null, field)
})

test('no question names a value that it accepts', () => {
  for (const { meaning } of ALL)
    for (const { field, read } of ALL)
      for (const words of [meaning, ...meaning.split(' ')])
        assert.equal(read(words), null, `${field}: ${words}`)
})
