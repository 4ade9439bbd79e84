import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { cleanEnv, startProcess } from '../../test/support/processes.ts'

/** Starts a process whose work ignores the stop signal that it received. */
const stubborn = (withinMs: string) => `
  import { Cli } from ${JSON.stringify(new URL('cli.ts', import.meta.url).href)}
  import { Output } from ${JSON.stringify(new URL('terminal/output.ts', import.meta.url).href)}
  const cli = new Cli(new Output(process.stdout, process.stderr), process.env)
  setInterval(() => undefined, 1000)
  const signal = cli.createStopSignal('stopping', { code: 0, withinMs: ${withinMs} })
  signal.addEventListener('abort', () => console.error('aborted'))
  process.kill(process.pid, 'SIGTERM')`

test('a process whose work does not stop in time exits with the code of a clean stop', async (t) => {
  const { exited, output } = await startProcess(
    t,
    process.execPath,
    ['--input-type=module-typescript', '-e', stubborn('10')],
    { env: cleanEnv({}) },
  )
  assert.equal((await exited).code, 0)
  assert.match(
    output(),
    /stopping\n[^]*aborted\n[^]*a task did not stop in time; exiting without it/,
  )
})

test(
  'results that cannot be written cause one line of error and exit code 1',
  { skip: !existsSync('/dev/full') && 'needs /dev/full' },
  async (t) => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url))
    const { exited, output } = await startProcess(t, 'sh', [
      '-c',
      'exec "$0" "$1" --help > /dev/full',
      process.execPath,
      main,
    ])
    assert.equal((await exited).code, 1)
    assert.match(output(), /^error: the results cannot be written: ENOSPC.*\n$/)
  },
)
