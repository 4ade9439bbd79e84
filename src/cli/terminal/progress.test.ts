import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Terminal } from '../../../test/support/terminal.ts'
import { createProgress } from '../../pipeline/context.ts'
import { Output } from './output.ts'
import { showProgress } from './progress.ts'

function onTerminal(): { terminal: Terminal; output: Output; results: () => string } {
  let results = ''
  const terminal = new Terminal()
  return {
    terminal,
    output: new Output({ write: (text) => (results += text) }, terminal),
    results: () => results,
  }
}

test('on a terminal, two bars show the progress of a run and are removed at its end', async (t) => {
  const { terminal, output, results } = onTerminal()
  const progress = createProgress()
  const hide = showProgress(output, 'shop', progress)
  t.after(hide)
  await terminal.shows(/^shop {2}fetched ░{24} 0 · 0 B\n {6}applied ░{24} 0$/)
  assert.equal(terminal.cursorShown, false)
  Object.assign(progress, {
    phase: 'fetch',
    expected: 1000,
    fetchedLines: 500,
    fetchedBytes: 2_000_000,
    appliedLines: 250,
  })
  progress.counts.created = 200
  progress.counts.held = 50
  await terminal.shows(
    /^shop {2}fetched █{12}░{12} 500 of 1,000 · 2\.0 MB · .*B\/s.*\n {6}applied █{6}░{18} 250 of 1,000 · .*\/s.* · created 200 · held 50$/,
  )
  progress.waiting = 'the shop is busy; next attempt in 4 s'
  await terminal.shows(/^shop {2}fetched █{12}░{12} the shop is busy; next attempt in 4 s\n/)
  Object.assign(progress, {
    phase: 'settle',
    waiting: null,
    expected: 900,
    fetchedLines: 1000,
    appliedLines: 1000,
  })
  await terminal.shows(
    /^shop {2}fetched █{24} 1,000 of 1,000 · 2\.0 MB\n {6}applied █{24} settling …$/,
  )
  hide()
  assert.deepEqual(
    [terminal.screen, terminal.cursorShown, output.aboveBars, results()],
    ['', true, null, ''],
  )
})

test('messages during a run are printed above the bars, in order, and stay', async (t) => {
  const { terminal, output } = onTerminal()
  const hide = showProgress(output, 'shop', createProgress())
  t.after(hide)
  output.note('retrying')
  output.note('still retrying')
  await terminal.shows(/^retrying\nstill retrying\nshop {2}fetched ░+ 0 · 0 B\n {6}applied ░+ 0$/)
  output.note('said at the very end')
  hide()
  output.note('said afterwards')
  assert.equal(terminal.screen, 'retrying\nstill retrying\nsaid at the very end\nsaid afterwards')
})

test('no mode of the terminal cuts a long message, and the bars are cleared before it', (t) => {
  const { terminal, output } = onTerminal()
  let written = ''
  const write = terminal.write.bind(terminal)
  t.mock.method(terminal, 'write', (text: string) => {
    written += text
    return write(text)
  })
  const hide = showProgress(output, 'shop', createProgress())
  t.after(hide)
  const message = 'a long message '.repeat(20)
  output.note(message)
  const words = (text: string): string => text.replaceAll(/\s+/g, ' ')
  assert.ok(words(written).includes(`\u001b[J${message}`), written)
  assert.ok(!written.includes('\u001b[?7'), 'wrapping stays on')
})

test('a run with --json draws nothing, terminal or not', () => {
  const { terminal, output } = onTerminal()
  output.json = true
  terminal.on('drawn', () => assert.fail(`drawn: ${terminal.screen}`))
  showProgress(output, 'shop', createProgress())()
})
