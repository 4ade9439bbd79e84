// `shelfsync jobs` as an operator runs it, while the services that left the dead letters are
// stopped.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openTestDatabase } from '../support/database.ts'
import { openMedipim } from '../support/medipim.ts'
import { cleanEnv, explainMissingProgram, startProcess } from '../support/processes.ts'
import { startRedis } from '../support/redis.ts'
import { openServices } from '../support/services.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/shelfsync', import.meta.url))

interface Said {
  readonly id: string
  readonly run: number
  readonly source: string
  readonly reason: string
  readonly attempts: number
}

for (const queue of ['Postgres', 'Redis'] as const) {
  const skip = queue === 'Redis' && explainMissingProgram('redis-server', 'redis-server')
  test(
    `dead letters are listed, retried and discarded on the command line, with ${queue}`,
    { skip },
    async (t) => {
      const queueUrl = queue === 'Redis' ? (await startRedis(t)).url : null
      const database = await openTestDatabase(t)
      const { pipeline, simulator } = await openMedipim(t, { db: database.pool })
      const services = await openServices(t, database, pipeline, { queueUrl })
      const jobs = async (...args: string[]) => {
        const env = cleanEnv({
          DATABASE_URL: database.url,
          SHELFSYNC_HOME: pipeline.storeRoot,
          QUEUE_URL: queueUrl ?? undefined,
        })
        const process = await startProcess(t, PROGRAM, ['jobs', ...args], { env })
        const { code } = await process.exited
        return { code, output: process.output() }
      }
      const fail = async (): Promise<number> => {
        const stop = services.startWorkers()
        const { run } = await services.requestRun()
        await services.waitForDeadLetter(run)
        await stop()
        return run
      }
      assert.deepEqual(await jobs(), { code: 0, output: 'No task has failed permanently.\n' })

      simulator.faults.set({ kind: 'status', status: 401, times: null })
      const discarded = await fail()
      const table = (await jobs('list')).output
      assert.match(table, /^job +source +run +part +attempts +failed +reason/)
      assert.match(
        table,
        new RegExp(`^${discarded}-fetch +${pipeline.name} +${discarded} .*401`, 'm'),
      )
      const thrown = await jobs('discard', `${discarded}-fetch`)
      assert.deepEqual(thrown, {
        code: 0,
        output: `${discarded}-fetch is deleted. Run ${discarded} of ${pipeline.name} stays failed.\n`,
      })
      assert.equal((await services.waitForEnd(discarded)).state, 'failed')

      const run = await fail()
      const letters = (await jobs('--json')).output
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Said)
      assert.deepEqual(
        letters.map(({ id, source, attempts }) => [id, source, attempts]),
        [[`${run}-fetch`, pipeline.name, 1]],
      )
      simulator.faults.clear()
      assert.deepEqual(await jobs('retry', `${run}-fetch`), {
        code: 0,
        output: `Run ${run} of ${pipeline.name} resumes.\n`,
      })
      services.startWorkers()
      assert.equal((await services.waitForEnd(run)).state, 'succeeded')

      const { code, output } = await jobs('retry', `${run}-fetch`)
      assert.equal(code, 1)
      assert.match(output, /The dead letter .* does not exist/)
    },
  )
}
