// Retries several dead letters. Letters of one run are resumed by one retry.

import { SyncError, messageOf } from '../../../core/errors.ts'
import type { Db } from '../../../db/pool.ts'
import { listDeadLetters, retryDeadLetter } from '../../../jobs/dead-letters.ts'
import type { Queues } from '../../../jobs/queues.ts'

export interface Retried {
  readonly runs: readonly number[]
  readonly refused: readonly string[]
}

export async function retryAll(db: Db, queues: Queues, source: string | null): Promise<Retried> {
  const letters = (await listDeadLetters(queues)).filter(
    (letter) => source === null || letter.source === source,
  )
  const first = new Map(letters.map((letter) => [letter.run, letter.id]))
  const runs: number[] = []
  const refused: string[] = []
  for (const [run, id] of first) {
    try {
      await retryDeadLetter(db, queues, id)
      runs.push(run)
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      refused.push(messageOf(error))
    }
  }
  return { runs, refused }
}
