import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { isOwnerDead, getOwnerName } from './process-owner.ts'

const onLinux = { skip: process.platform !== 'linux' }
const nameItself = `import { getOwnerName } from '${import.meta.resolve('./process-owner.ts')}'; process.stdout.write(getOwnerName()); process.stdin.resume()`

test('a running process is not dead', onLinux, () => {
  assert.match(getOwnerName(), new RegExp(`^.+/[0-9a-f-]{36}/\\d+:${process.pid}:\\d+$`))
  assert.equal(isOwnerDead(getOwnerName()), false)
})

test('a killed process is dead', onLinux, async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', nameItself], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_V8_COVERAGE: '' },
  })
  const [name] = await once(child.stdout, 'data')
  assert.equal(isOwnerDead(String(name)), false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(isOwnerDead(String(name)), true)
})

test('a zombie process is dead', onLinux, async (t) => {
  const command = `"$0" --input-type=module --eval "$1" </dev/null & exec sleep 60 >/dev/null`
  const parent = spawn('sh', ['-c', command, process.execPath, nameItself], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_V8_COVERAGE: '' },
  })
  t.after(() => parent.kill('SIGKILL'))
  let name = ''
  for await (const chunk of parent.stdout) name += chunk
  while (!isOwnerDead(name)) await new Promise(setImmediate)
  assert.doesNotThrow(() => process.kill(Number(name.split(':')[1]), 0))
})

test('a process whose pid was reused is dead', onLinux, () => {
  assert.equal(isOwnerDead(getOwnerName().replace(/\d+$/, '1')), true)
})

test(
  'an owner on another host, boot or container, or with an unreadable name, is not reported as dead',
  onLinux,
  () => {
    const [host, boot, rest] = getOwnerName()
      .replace(/\d+:\d+$/, '99999999:1')
      .split('/')
    assert.equal(isOwnerDead(`${host}/${boot}/${rest}`), true)
    assert.equal(isOwnerDead(`other/${boot}/${rest}`), false)
    assert.equal(isOwnerDead(`${host}/other/${rest}`), false)
    assert.equal(isOwnerDead(`${host}/${boot}/1:99999999:1`), false)
    for (const name of ['', 'host:1:2', `${host}//:99999999:`])
      assert.equal(isOwnerDead(name), false)
  },
)
