// Parses metrics as strictly as Prometheus does:
// https://prometheus.io/docs/instrumenting/exposition_formats/.

import assert from 'node:assert/strict'

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABELS = String.raw`\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*\}`
const SAMPLE = new RegExp(
  `^(?<series>(?<name>${NAME})(?:${LABELS})?) (?<value>[+-]?Inf|Na[Nn]|-?[\\d.]+(?:e[+-]?\\d+)?)$`,
)
const TYPE = new RegExp(`^# TYPE (?<name>${NAME}) (?<type>counter|gauge|histogram|summary)$`)
const HELP = new RegExp(`^# HELP ${NAME} .+$`)

/**
 * Values by series, `name{label="word"}` with the labels in alphabetical order. Throws when
 * Prometheus would refuse the text.
 */
export function parseExposition(text: string): Map<string, number> {
  assert.ok(text.endsWith('\n'), 'the last line ends')
  const types = new Map<string, string>()
  const values = new Map<string, number>()
  let family = ''
  for (const line of text.split('\n')) {
    const type = TYPE.exec(line)?.groups
    if (type) {
      family = type['name'] ?? ''
      assert.ok(!types.has(family), `${family} comes twice`)
      types.set(family, type['type'] ?? '')
      continue
    }
    if (line === '' || HELP.test(line)) continue
    const {
      series,
      name = '',
      value,
    } = SAMPLE.exec(line)?.groups ?? assert.fail(`not a sample: ${line}`)
    const base = ['histogram', 'summary'].includes(types.get(family) ?? '')
      ? name.replace(/_(bucket|sum|count)$/, '')
      : name
    assert.equal(base, family, `${name} stands outside its family`)
    const key = (series ?? '').replace(
      /\{(.*)\}/,
      (_, labels: string) => `{${labels.split(',').sort().join(',')}}`,
    )
    assert.ok(!values.has(key), `${key} comes twice`)
    values.set(key, Number(value?.replace('Inf', 'Infinity')))
  }
  return values
}

/** The series of one metric by the text between their braces. */
export function listSeries(text: string, name: string): Record<string, number> {
  const own = [...parseExposition(text)].filter(
    ([series]) => series === name || series.startsWith(`${name}{`),
  )
  return Object.fromEntries(
    own.map(([series, value]) => [series.slice(name.length + 1, -1), value]),
  )
}
