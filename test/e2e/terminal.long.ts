// Commands on a real pseudo-terminal, which `script` of util-linux opens.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { text as readText } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters as strip } from 'node:util'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { measureText } from '../../src/cli/terminal/measure-text.ts'
import { Terminal } from '../support/terminal.ts'
import { openShelfsync } from './shelfsync.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const skip = spawnSync('script', ['--version']).status !== 0 && 'needs script of util-linux'

test(
  'lists fit 60, 80 and 200 columns, keep ids and commands whole, and have colours only on a terminal',
  { skip },
  async (t) => {
    const keys = [{ id: '42', secret: 'planted-key-secret' }]
    const simulator = await startMedipim({ products: 8, keys, rateLimit: null })
    t.after(simulator.close)
    const env = { MEDIPIM_API_URL: simulator.url, MEDIPIM_API_KEY: '42:planted-key-secret' }
    const { run, db, folder, url } = await openShelfsync(t, env)
    const name = 'a-source-with-quite-a-long-name'
    assert.equal((await run('add', 'medipim', '--name', name)).code, 0)
    assert.equal((await run('sync')).code, 0)
    await db.query("update catalog.products set title = repeat('薬局 💊 vitamin ', 12)")
    await db.query(
      "update catalog.runs set state = 'held', reason = repeat('because of a long story ', 9)",
    )
    const onTerminal = (columns: number, more: Record<string, string>, line: string) => {
      const command = `stty cols ${columns} rows 24; exec '${process.execPath}' '${MAIN}' ${line}`
      const child = spawn('script', ['-qefc', command, '/dev/null'], {
        cwd: folder,
        env: {
          PATH: process.env['PATH'],
          TERM: 'xterm',
          DATABASE_URL: url,
          SHELFSYNC_HOME: folder,
          ALLOW_PRIVATE_HOSTS: '127.0.0.1',
          ...env,
          ...more,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      return readText(child.stdout)
    }
    for (const line of [
      'status',
      'runs',
      'sources',
      `products ${name}`,
      'artifacts',
      'runs changes 1',
    ]) {
      const piped = (await run(...line.split(' '))).stdout
      assert.equal(piped, strip(piped), line)
      for (const columns of [60, 80, 200]) {
        const shown = await onTerminal(columns, {}, line)
        assert.ok(shown.includes('\u001b[2m'), line)
        const lines = strip(shown).replaceAll('\r', '').trimEnd().split('\n')
        const wide = lines.filter(
          (one) => measureText(one) > columns && !one.includes('shelfsync '),
        )
        assert.deepEqual(wide, [], `${line} at ${columns}`)
        if (!line.startsWith('runs changes'))
          assert.ok(lines.join('\n').includes(line.startsWith('products') ? 'M' : name), line)
      }
    }
    assert.ok((await run('runs')).stdout.split('\n').some((one) => one.length > 100))
    for (const [more, hasColours] of [
      [{}, true],
      [{ NO_COLOR: '1' }, false],
      [{ TERM: 'dumb' }, false],
      [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true],
      [{ FORCE_COLOR: '0' }, false],
    ] as const) {
      const shown = await onTerminal(200, more, 'runs')
      assert.equal(shown.includes('\u001b[33mheld\u001b[39m'), hasColours, JSON.stringify(more))
    }
    assert.ok(!(await onTerminal(80, { FORCE_COLOR: '1' }, 'runs --json')).includes('\u001b'))
  },
)

test(
  'a killed or failed sync leaves no bar on the terminal, and the cursor visible',
  { skip },
  async (t) => {
    const keys = [{ id: '42', secret: 'planted-key-secret' }]
    const simulator = await startMedipim({ products: 50, keys, rateLimit: null })
    t.after(simulator.close)
    const env = { MEDIPIM_API_URL: simulator.url, MEDIPIM_API_KEY: '42:planted-key-secret' }
    const { run, folder, url } = await openShelfsync(t, env)
    assert.equal((await run('add', 'medipim', '--name', 'pharmacy')).code, 0)
    simulator.faults.set({
      kind: 'stall',
      afterLines: 20,
      path: '/v4/products/stream',
      times: null,
    })
    const broken = `data:text/javascript,process.on('SIGUSR2',()=>{throw new Error('broken '.repeat(20))})`
    for (const signals of [['SIGTERM'], ['SIGTERM', 'SIGTERM'], ['SIGUSR2']] as const) {
      const command = `stty cols 70 rows 24; echo pid $$; exec '${process.execPath}' --import="${broken}" '${MAIN}' sync`
      const child = spawn('script', ['-qefc', command, '/dev/null'], {
        cwd: folder,
        env: {
          PATH: process.env['PATH'],
          TERM: 'xterm',
          DATABASE_URL: url,
          SHELFSYNC_HOME: folder,
          ALLOW_PRIVATE_HOSTS: '127.0.0.1',
          ...env,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let sent = false
      let shown = ''
      for await (const chunk of child.stdout.setEncoding('utf8')) {
        shown += String(chunk)
        if (sent || !/fetched [█░]{24} /.test(strip(shown))) continue
        sent = true
        const pid = Number(/pid (\d+)/.exec(shown)?.[1])
        for (const signal of signals) process.kill(pid, signal)
      }
      assert.ok(sent, shown)
      const terminal = new Terminal(70)
      terminal.write(shown.replaceAll('\r', ''))
      assert.doesNotMatch(terminal.screen, /[░█]/)
      assert.ok(terminal.cursorShown)
      if (signals[0] === 'SIGUSR2') assert.match(terminal.screen, /error: internal error: broken/)
    }
  },
)
