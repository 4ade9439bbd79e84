// The facts that the simulated model finds in a text: for each field, the first phrase of a small
// vocabulary. Faults change its statements.

import type { ModelFault } from './faults.ts'

export interface Fact {
  readonly field: string
  readonly words: string
  readonly value: string
}

/** The request, as far as the model reads it. */
export interface Asked {
  readonly fields: readonly string[]
  readonly prompt: string
  readonly text: string
}

/** Words by field. A text may say them in a way that no rule reads. */
const VOCABULARY: Readonly<Record<string, readonly (readonly [phrase: string, value: string])[]>> =
  {
    roast_level: [
      ['just before second crack', 'medium dark'],
      ['barely past first crack', 'light'],
      ['roasted dark', 'dark'],
    ],
    process: [
      ['dried inside the fruit', 'natural'],
      ['the pulp is rinsed off', 'washed'],
    ],
    species: [['one hundred percent arabica', '100% arabica']],
    varieties: [
      ['the geisha tree', 'Gesha'],
      ['old bourbon trees', 'Bourbon'],
    ],
    country: [
      ['the hills of ethiopia', 'Ethiopia'],
      ['a farm in brazil', 'Brazil'],
    ],
    region: [['around yirgacheffe', 'Yirgacheffe']],
    flavors: [['reminds us of plums', 'plum']],
  }

/** Reads the fields and the text of a prompt as Shelfsync writes it. */
export function readPrompt(prompt: string): Asked {
  const lines = prompt.split('\n')
  const fields = lines.flatMap((line) => /^- ([a-z_]+):/.exec(line)?.[1] ?? [])
  const last = lines.at(-1) ?? '""'
  return { fields, prompt, text: String(JSON.parse(last)) }
}

export function findFacts({ fields, text }: Asked): Fact[] {
  return fields.flatMap((field) => {
    for (const [phrase, value] of VOCABULARY[field] ?? []) {
      const at = text.toLowerCase().indexOf(phrase)
      if (at !== -1) return [{ field, words: text.slice(at, at + phrase.length), value }]
    }
    return []
  })
}

/** The content of the response: the facts as JSON, changed by the fault. Null: it declines. */
export function writeContent(asked: Asked, fault: ModelFault | undefined): string | null {
  if (fault?.kind === 'decline') return null
  if (fault?.kind === 'content') return fault.content
  const content = JSON.stringify({ facts: stateFacts(asked, fault) })
  if (fault?.kind === 'stop-short') return content.slice(0, -12)
  return fault?.kind === 'ramble'
    ? `Sure! Here is what I found:\n\n\`\`\`json\n${content}\n\`\`\`\nHope this helps.`
    : content
}

function stateFacts(asked: Asked, fault: ModelFault | undefined): readonly Fact[] {
  const facts = findFacts(asked)
  const first = asked.text.split(' ').slice(0, 5).join(' ')
  const stateAll = (words: string, value: string): Fact[] =>
    asked.fields.map((field) => ({ field, words, value }))
  if (fault?.kind === 'lie') return stateAll('as the label on the back states', 'dark')
  if (fault?.kind === 'misquote') return stateAll(first, fault.value)
  if (fault?.kind === 'echo') return stateAll(first, asked.prompt.split('\n')[1]?.slice(2) ?? '')
  if (fault?.kind === 'contradict')
    return [...facts, ...facts.map((fact) => ({ ...fact, value: 'light' }))]
  return fault?.kind === 'volunteer'
    ? [...facts, { field: fault.field, words: first, value: '12.50' }]
    : facts
}
