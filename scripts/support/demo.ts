// The services of the demo, seen from `npm start`: see scripts/demo-services.ts.

import { fork } from 'node:child_process'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A request to start `shelfsync serve`, with its complete environment. */
export interface DemoRequest {
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** The address of the supplier, once; then that of the dashboard, or that it did not start. */
export type DemoAnswer =
  | { readonly supplier: string }
  | { readonly dashboard: string }
  | { readonly failed: true }

export interface DemoServices extends Disposable {
  /** The address of the simulated supplier. */
  readonly supplier: string
  /**
   * Starts `shelfsync serve` and returns the address of the dashboard. From then on, both keep
   * running in the background.
   */
  serve(request: DemoRequest): Promise<string>
}

/** Starts the supplier. The end of this process also ends it, unless `serve` was called. */
export async function startDemoServices(home: string, products: number): Promise<DemoServices> {
  const logFile = join(home, 'demo.log')
  const log = await open(logFile, 'a', 0o600)
  const child = fork(
    fileURLToPath(new URL('../demo-services.ts', import.meta.url)),
    [home, String(products)],
    // A descriptor of a terminal or pipe would keep the reader of this process waiting.
    { detached: true, stdio: ['ignore', log.fd, log.fd, 'ipc'] },
  )
  await log.close()
  const answered = (): Promise<DemoAnswer> =>
    new Promise((resolve, reject) => {
      child.once('message', (answer: DemoAnswer) => resolve(answer))
      child.once('exit', () => reject(new Error(`The services ended; see ${logFile}`)))
    })
  const first = await answered()
  if (!('supplier' in first)) throw new Error('The simulated supplier did not start')
  const leave = (): void => {
    if (child.connected) child.disconnect()
    child.unref()
  }
  return {
    supplier: first.supplier,
    async serve(request) {
      child.send(request)
      const answer = await answered()
      if (!('dashboard' in answer)) throw new Error(`The dashboard did not start; see ${logFile}`)
      leave()
      return answer.dashboard
    },
    [Symbol.dispose]: leave,
  }
}
