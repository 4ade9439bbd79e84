import assert from 'node:assert/strict'
import { test } from 'node:test'
import { medipim } from '../../connectors/medipim/connector.ts'
import { DEFAULT_OPTIONS } from '../options.ts'
import type { HashedPart } from './hashed-part.ts'
import { HashedParts } from './hashed-parts.ts'
import { KnownRecords } from './known-records.ts'

/** Memory of a part with one line of a few bytes. */
const PART_BYTES = 768 + 4096

function openParts(hashedBytesMax = DEFAULT_OPTIONS.hashedBytesMax, knownCount = 1): HashedParts {
  const known = new KnownRecords(knownCount)
  for (let seq = 0; seq < knownCount; seq++) known.add(new Uint8Array(16), seq)
  const options = { ...DEFAULT_OPTIONS, hashedBytesMax }
  return new HashedParts({ connector: medipim, options }, () => Promise.resolve(known))
}

/** Hashes a part of one unknown line and keeps it; returns null when the part is not hashed. */
async function addPart(parts: HashedParts, partNo: number): Promise<HashedPart | null> {
  const part = await parts.begin(0)
  part?.add(Buffer.from('a line\n'))
  if (part) parts.keep(partNo, part)
  return part
}

test('a part is given to the lane that applies it, once', async () => {
  const parts = openParts()
  const part = await addPart(parts, 1)
  assert.ok(part)
  assert.equal(await parts.use(1, async (given) => given), part)
  assert.equal(await parts.use(1, async (given) => given), null)
})

test('without known records nothing is hashed', async () => {
  assert.equal(await openParts(undefined, 0).begin(0), null)
})

test('the memory of all parts is limited until they are applied, also when that fails', async () => {
  const parts = openParts(PART_BYTES)
  assert.equal((await addPart(parts, 1))?.reservedBytes, PART_BYTES)
  await assert.rejects(
    parts.use(1, async () => {
      assert.equal((await addPart(parts, 2))?.reservedBytes, 0)
      throw new Error('the lane fails')
    }),
    /the lane fails/,
  )
  assert.equal((await addPart(parts, 3))?.reservedBytes, PART_BYTES)
})

test('parts that other processes have applied make room, and not more than 16 wait', async () => {
  const parts = openParts(PART_BYTES * 16)
  for (let no = 1; no <= 16; no++)
    assert.equal((await addPart(parts, no))?.reservedBytes, PART_BYTES)
  assert.equal(await addPart(parts, 17), null)
  assert.ok(await parts.use(15, async (part) => part))
  for (let no = 18; no <= 32; no++)
    assert.equal((await addPart(parts, no))?.reservedBytes, PART_BYTES)
  assert.equal(await addPart(parts, 33), null)
  assert.equal(await parts.use(14, async (part) => part), null)
  assert.ok(await parts.use(16, async (part) => part))
})
