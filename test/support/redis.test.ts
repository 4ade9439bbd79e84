import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { missingProgram } from './processes.ts'
import { startRedis, startRedisCluster } from './redis.ts'

const skip = missingProgram('redis-server', 'redis-server')

async function ask(url: string, ...command: string[]): Promise<string> {
  return (await promisify(execFile)('redis-cli', ['-c', '-e', '-u', url, ...command])).stdout.trim()
}

test(
  'a Redis of its own keeps what it is told until it is flushed or stopped, and evicts nothing',
  { skip },
  async (t) => {
    const [redis, other] = await Promise.all([startRedis(t), startRedis(t)])
    assert.equal(
      await ask(redis.url, 'config', 'get', 'maxmemory-policy'),
      'maxmemory-policy\nnoeviction',
    )
    assert.equal(await ask(redis.url, 'set', 'key', 'value'), 'OK')
    assert.deepEqual(
      [await ask(redis.url, 'get', 'key'), await ask(other.url, 'get', 'key')],
      ['value', ''],
    )
    await redis.flush()
    assert.equal(await ask(redis.url, 'dbsize'), '0')

    await ask(redis.url, 'set', 'key', 'value')
    await redis.stop()
    await redis.stop()
    await assert.rejects(ask(redis.url, 'ping'), /Connection refused/)
    await redis.restart()
    assert.equal(await ask(redis.url, 'dbsize'), '0')
    await redis.restart()
    assert.equal(await ask(redis.url, 'ping'), 'PONG')
  },
)

test('a Cluster of three masters takes every key at any of them', { skip }, async (t) => {
  const { urls } = await startRedisCluster(t)
  const [one = '', two = '', three = ''] = urls
  for (const key of ['a', 'b', 'c', 'd', 'e']) assert.equal(await ask(one, 'set', key, key), 'OK')
  for (const key of ['a', 'b', 'c', 'd', 'e'])
    assert.deepEqual([await ask(two, 'get', key), await ask(three, 'get', key)], [key, key])
  const shares = await Promise.all(urls.map((url) => ask(url, 'dbsize')))
  assert.ok(shares.filter((count) => count !== '0').length > 1, `all on one: ${shares.join()}`)
  assert.equal(
    (await ask(one, 'cluster', 'nodes'))
      .split('\n')
      .filter((node) => /master .* connected \d/.test(node)).length,
    3,
  )
})
