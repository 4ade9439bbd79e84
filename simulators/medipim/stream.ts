// The lines of a stream, each with a result, the total and its index. They are made in chunks of
// 256 KB while the client reads.

import { mix } from '../support/random.ts'
import type { MedipimFault } from './faults.ts'
import type { JsonObject } from './json.ts'

const CHUNK_BYTES = 262_144

export interface StreamOptions<Item> {
  readonly items: readonly Item[]
  readonly render: (item: Item) => JsonObject
  readonly faults: readonly MedipimFault[]
  /** Called for a product that is updated during the stream. */
  readonly touch?: Touch<Item>
}

type Touch<Item> = (item: Item) => void

/** Needs memory for one chunk, for any number of items. */
export function streamLines<Item>(options: StreamOptions<Item>): Generator<Buffer> {
  return encodeLines(makeLines(options))
}

function* makeLines<Item>({
  items,
  render,
  faults,
  touch,
}: StreamOptions<Item>): Generator<string> {
  const total = items.length
  const moves = faults.filter((fault) => fault.kind === 'update-during-stream')
  const queue = moves.length > 0 ? [...items] : items
  let previousId: JsonObject[string] = null
  for (let index = 0; index < queue.length; index++) {
    for (const { target } of moves.filter(({ at }) => at === index))
      moveToEnd(queue, index, target, touch)
    const item = queue[index]
    if (item === undefined) break
    const line = { meta: { total, index }, result: render(item) }
    yield `${JSON.stringify(faults.length === 0 ? line : distortLine(line, faults, previousId))}\n`
    previousId = line.result.id ?? null
  }
}

/** Writes each line into a buffer, which is three times as fast as encoding joined text. */
function* encodeLines(lines: Iterable<string>): Generator<Buffer> {
  let chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  let used = 0
  for (const line of lines) {
    // A UTF-16 unit takes three bytes at most.
    const bytesMax = line.length * 3
    if (used > 0 && bytesMax > CHUNK_BYTES - used) {
      yield chunk.subarray(0, used)
      chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      used = 0
    }
    if (bytesMax > CHUNK_BYTES) yield Buffer.from(line)
    else used += chunk.write(line, used)
  }
  if (used > 0) yield chunk.subarray(0, used)
}

function moveToEnd<Item>(
  queue: readonly Item[],
  index: number,
  target: 'ahead' | 'behind',
  touch?: Touch<Item>,
): void {
  const moved = queue[target === 'ahead' ? index : index - 1]
  if (moved === undefined || !isMutable(queue)) return
  touch?.(moved)
  if (target === 'ahead') queue.splice(index, 1)
  queue.push(moved)
}

/** True for the copy that is made when products move. */
function isMutable<Item>(queue: readonly Item[]): queue is Item[] {
  return Array.isArray(queue)
}

interface Line {
  readonly meta: { readonly total: number; readonly index: number }
  readonly result: JsonObject
}

function distortLine(
  line: Line,
  faults: readonly MedipimFault[],
  previousId: JsonObject[string],
): unknown {
  const result = { ...line.result }
  const meta: { total?: number; index?: number } = { ...line.meta }
  for (const fault of faults) {
    if (fault.kind === 'duplicate-id' && fault.at === line.meta.index) result.id = previousId
    if (fault.kind === 'no-index' && fault.at === line.meta.index) delete meta.index
    if (fault.kind === 'total-drift' && line.meta.index >= fault.at)
      meta.total = line.meta.total + fault.by
  }
  return { meta, result }
}

/**
 * Creates the function that makes the pre-signed links of one response. `t` and `mac` differ in
 * every response, as they do at the supplier. The mac is a cheap hash of 64 digits instead of an
 * HMAC.
 */
export function createSigner(keyId: string, seed: number, at: number): (id: string) => string {
  return (id) => {
    const number = Number.parseInt(id.slice(1), 16)
    const [low, high] = [number % 2 ** 32, Math.floor(number / 2 ** 32)]
    let mac = ''
    for (let part = 0; part < 8; part++)
      mac += mix(seed, at, low, high, part).toString(16).padStart(8, '0')
    return `https://api.au.medipim.com/v4/products/embed?id=${id}&t=${at}&key=${keyId}&mac=${mac}`
  }
}
