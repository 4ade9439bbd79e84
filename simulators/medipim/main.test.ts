// The command line: its arguments, its output, and Ctrl-C.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { medipim } from './main.ts'
import { send } from './test-client.ts'

test('arguments become options', () => {
  const argv = '--products 10 --seed 3 --port 0 --key 7:a:b --key 8:c --rate-limit 0 --gzip'.split(
    ' ',
  )
  assert.deepEqual(medipim.parseArguments(argv), {
    products: 10,
    seed: 3,
    port: 0,
    keys: [
      { id: '7', secret: 'a:b' },
      { id: '8', secret: 'c' },
    ],
    rateLimit: null,
    switches: { gzip: true, retryAfter: false },
  })
  assert.deepEqual(medipim.parseArguments([]).products, 20_000)
})

test('an invalid argument is reported', () => {
  for (const argv of [
    ['--products', '0'],
    ['--products', 'many'],
    ['--port', '70000'],
    ['--key', 'nocolon'],
    ['--colour', 'red'],
  ]) {
    assert.throws(() => medipim.parseArguments(argv), new RegExp(argv[0] ?? ''))
  }
})

test('the simulator starts from the command line, prints how to use it and stops on a signal', async (t) => {
  const cli = fileURLToPath(new URL('../cli.ts', import.meta.url))
  const argv = [cli, 'medipim', '--products', '10', '--port', '0', '--key', '42:s3']
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_V8_COVERAGE: '' },
  })
  t.after(() => child.kill('SIGKILL'))
  let greeting = ''
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    greeting += String(chunk)
    if (greeting.includes('ALLOW_PRIVATE_HOSTS')) break
  }
  const [, url = ''] = /MEDIPIM_API_URL=(\S+)/.exec(greeting) ?? []
  assert.match(
    greeting,
    /MEDIPIM_API_KEY_ID=42\n.*MEDIPIM_API_KEY_SECRET=s3\n.*ALLOW_PRIVATE_HOSTS=127\.0\.0\.1/s,
  )
  assert.equal((await send({ url }, '/v4/products/get-fields', undefined, '42:s3')).status, 200)
  child.kill('SIGINT')
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
})

test('an unknown simulator prints the list', async () => {
  const cli = fileURLToPath(new URL('../cli.ts', import.meta.url))
  const child = spawn(process.execPath, [cli, 'nonesuch'], { stdio: ['ignore', 'ignore', 'pipe'] })
  const said: unknown[] = []
  child.stderr.on('data', (chunk) => said.push(chunk))
  const [code] = await once(child, 'close')
  assert.equal(code, 1)
  assert.match(said.join(''), /medipim, model, shopify/)
})
