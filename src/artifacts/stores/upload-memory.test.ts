// Uploads that survive the process that started them.

import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SECRET_KEY } from '../../../simulators/storage/server.ts'
import { startProcess } from '../../../test/support/processes.ts'
import {
  countRequests,
  BUCKET,
  CREATE,
  MIB,
  openStorage,
  PART,
  listPatches,
} from '../../../test/support/supabase-storage.ts'
import { createUploadMemory, nameUpload } from './upload-memory.ts'

test('after a client is killed in a chunk, the next process that stores the same bytes resumes its upload', async (context) => {
  const memory = join(await mkdtemp(join(tmpdir(), 'shelfsync-uploads-')), 'uploads')
  const { store, service } = await openStorage(context, {}, { memory: createUploadMemory(memory) })
  context.after(() => rm(join(memory, '..'), { recursive: true }))
  // The child prints a line instead of its first wait before a retry, and then stays.
  const put = (bytes: string) => `
    import { SupabaseStore } from ${JSON.stringify(new URL('supabase.ts', import.meta.url).href)}
    import { createUploadMemory } from ${JSON.stringify(new URL('upload-memory.ts', import.meta.url).href)}
    const wait = () => (console.log('broken off'), new Promise((resolve) => setTimeout(resolve, 1e9)))
    const memory = createUploadMemory(${JSON.stringify(memory)})
    await new SupabaseStore({ url: ${JSON.stringify(service.url)}, secretKey: '${SECRET_KEY}', bucket: '${BUCKET}', wait, memory }).put('part', ${bytes})`
  const killed = async (bytes: string): Promise<void> => {
    service.faults.set({ kind: 'break', path: 'PATCH *', skip: 1, afterBytes: 3 * MIB })
    const child = await startProcess(context, process.execPath, [
      '--input-type=module-typescript',
      '-e',
      put(bytes),
    ])
    await child.waitForLine(/broken off/)
    child.kill('SIGKILL')
    await child.exited
    service.stats.reset()
  }
  const same = Buffer.alloc(13 * MIB, 'same')
  await killed(`Buffer.alloc(${13 * MIB}, 'same')`)
  await store.put('part', same)
  assert.ok(same.equals(await store.get('part')))
  const [first, ...others] = listPatches(service)
  assert.deepEqual([countRequests(service, CREATE), others.length], [0, 1])
  assert.ok(
    first && first.offset >= 6 * MIB && first.offset + first.bytes === 12 * MIB,
    `resumed at ${first?.offset}`,
  )
  assert.deepEqual(await readdir(memory), [])

  await killed(`Buffer.alloc(${13 * MIB}, 'other')`)
  await store.put('part', same)
  assert.deepEqual(
    [countRequests(service, CREATE), listPatches(service).length],
    [1, 3],
    'other bytes are a separate upload',
  )
  assert.equal((await readdir(memory)).length, 1)
  const long = new Date(Date.now() - 25 * 3_600_000)
  await utimes(join(memory, (await readdir(memory))[0] ?? ''), long, long)
  await store.sweep()
  assert.deepEqual(await readdir(memory), [])
})

test('a remembered upload that the service no longer has is restarted', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-uploads-'))
  context.after(() => rm(folder, { recursive: true }))
  const { store, service } = await openStorage(context, {}, { memory: createUploadMemory(folder) })
  await createUploadMemory(folder).remember(
    nameUpload(BUCKET, 'part', PART),
    '/upload/resumable/never',
  )
  await store.put('part', PART)
  assert.ok(PART.equals(await store.get('part')))
  assert.equal(countRequests(service, CREATE), 1)
  assert.deepEqual(await readdir(folder), [])
})
