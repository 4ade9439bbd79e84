// An S3 server for tests: s3rver in a separate process. Three of its differences from S3 are fixed
// here: it lists keys in the order of folders, it responds before the bytes are on the disk, and a
// reader sees half-overwritten objects.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export interface S3Server {
  readonly url: string
  close(): Promise<void>
}

interface StoredObject {
  readonly bucket: string
  readonly key: string
  content: Readable | null
}

interface ListOptions {
  readonly startAfter?: string
  readonly maxKeys?: number
}

interface Store {
  getResourcePath(bucket: string, key: string, resource: 'object'): string
  putObject(object: StoredObject): Promise<{ readonly size: number }>
  getObject(bucket: string, key: string, options: unknown): Promise<StoredObject | null>
  listObjects(
    bucket: string,
    options: ListOptions,
  ): Promise<{ objects: StoredObject[]; commonPrefixes: string[]; isTruncated: boolean }>
}

interface S3rver {
  readonly store: Store
  run(): Promise<{ readonly port: number }>
}

/**
 * Starts a server on loopback that keeps its objects in `folder` and has the bucket `raw`. Its key
 * and its secret are `S3RVER`.
 */
export async function startS3(folder: string): Promise<S3Server> {
  // s3rver encrypts its page tokens with DES, which OpenSSL counts as legacy.
  const args = ['--openssl-legacy-provider', fileURLToPath(import.meta.url), folder]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    url: `http://127.0.0.1:${String(port).trim()}`,
    async close() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

function mend(store: Store): void {
  const { putObject, getObject, listObjects } = store
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }
  store.putObject = async (object) => {
    const content = await buffer(object.content ?? Readable.from([]))
    return inTurn(async () => {
      const put = await putObject.call(
        store,
        Object.assign(object, { content: Readable.from([content]) }),
      )
      while (
        (await stat(store.getResourcePath(object.bucket, object.key, 'object'))).size < put.size
      )
        await turn()
      return put
    })
  }
  store.getObject = (...request) =>
    inTurn(async () => {
      const object = await getObject.apply(store, request)
      if (object?.content) object.content = Readable.from([await buffer(object.content)])
      return object
    })
  store.listObjects = async (bucket, { startAfter = '', maxKeys = Infinity, ...options }) => {
    const { objects, commonPrefixes } = await listObjects.call(store, bucket, options)
    const after = objects
      .filter(({ key }) => key > startAfter)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
    return { objects: after.slice(0, maxKeys), commonPrefixes, isTruncated: after.length > maxKeys }
  }
}

if (import.meta.main) {
  // @ts-expect-error: it comes without types
  const { default: Server } = (await import('s3rver')) as {
    default: new (options: Record<string, unknown>) => S3rver
  }
  const bucket = { name: 'raw', configs: [] }
  const server = new Server({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory: process.argv[2],
    configureBuckets: [bucket],
  })
  mend(server.store)
  const { port } = await server.run()
  console.log(port)
  // The server ends with the test that started it.
  process.stdout.on('error', () => process.exit())
}
