// A supplier that stalls in the middle of a fetch until the test continues it.

import type { Page } from '../../src/core/connector.ts'
import type { TestPipeline } from './pipeline.ts'

export interface Gate {
  /** The pipeline, with a supplier that pauses after so many pages until the gate is opened. */
  readonly pipeline: TestPipeline
  readonly reached: Promise<void>
  open(): void
}

export function stopAfterPages(pipeline: TestPipeline, pages: number): Gate {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  async function* fetch(
    ...request: Parameters<TestPipeline['connector']['fetch']>
  ): AsyncGenerator<Page> {
    let count = 0
    for await (const page of pipeline.connector.fetch(...request)) {
      if (++count === pages) {
        reached.resolve()
        await opened.promise
      }
      yield page
    }
  }
  return {
    pipeline: { ...pipeline, connector: { ...pipeline.connector, fetch } },
    reached: reached.promise,
    open: () => opened.resolve(),
  }
}
