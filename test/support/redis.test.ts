import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { explainMissingProgram } from './processes.ts'
import { startRedis, startRedisCluster } from './redis.ts'

const skip = explainMissingProgram('redis-server', 'redis-server')

async function runRedisCommand(url: string, ...command: string[]): Promise<string> {
  return (await promisify(execFile)('redis-cli', ['-c', '-e', '-u', url, ...command])).stdout.trim()
}

test('a separate Redis keeps its data until it is flushed or stopped', { skip }, async (t) => {
  const [redis, other] = await Promise.all([startRedis(t), startRedis(t)])
  assert.equal(
    await runRedisCommand(redis.url, 'config', 'get', 'maxmemory-policy'),
    'maxmemory-policy\nnoeviction',
  )
  assert.equal(await runRedisCommand(redis.url, 'set', 'key', 'value'), 'OK')
  assert.deepEqual(
    [
      await runRedisCommand(redis.url, 'get', 'key'),
      await runRedisCommand(other.url, 'get', 'key'),
    ],
    ['value', ''],
  )
  await redis.flush()
  assert.equal(await runRedisCommand(redis.url, 'dbsize'), '0')

  await runRedisCommand(redis.url, 'set', 'key', 'value')
  await redis.stop()
  await redis.stop()
  await assert.rejects(runRedisCommand(redis.url, 'ping'), /Connection refused/)
  await redis.restart()
  assert.equal(await runRedisCommand(redis.url, 'dbsize'), '0')
  await redis.restart()
  assert.equal(await runRedisCommand(redis.url, 'ping'), 'PONG')
})

test('a Redis Cluster of three masters accepts every key at each of them', { skip }, async (t) => {
  const { urls } = await startRedisCluster(t)
  const [one = '', two = '', three = ''] = urls
  for (const key of ['a', 'b', 'c', 'd', 'e'])
    assert.equal(await runRedisCommand(one, 'set', key, key), 'OK')
  for (const key of ['a', 'b', 'c', 'd', 'e'])
    assert.deepEqual(
      [await runRedisCommand(two, 'get', key), await runRedisCommand(three, 'get', key)],
      [key, key],
    )
  const shares = await Promise.all(urls.map((url) => runRedisCommand(url, 'dbsize')))
  assert.ok(shares.filter((count) => count !== '0').length > 1, `all on one: ${shares.join()}`)
  assert.equal(
    (await runRedisCommand(one, 'cluster', 'nodes'))
      .split('\n')
      .filter((node) => /master .* connected \d/.test(node)).length,
    3,
  )
})
