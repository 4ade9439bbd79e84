// The version of everything that turns a record into a product: the connector, the domain pack and
// the options of the source. It is one number, because each product and each run keep it.

import { isPlain, type SourceOptions } from '../core/source-options.ts'
import { packVersionOf } from './domain-packs.ts'

/** `1_234_002_003`: options 1234, pack 2, connector 3. */
const PACK_PLACE = 1_000
const OPTIONS_PLACE = 1_000_000
/** The version fits an int4 column. */
const OPTIONS_MAX = 2_000

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** Returns the version of the connector itself for a source without options. */
export function toNormaliserVersion(connectorVersion: number, options: SourceOptions): number {
  if (isPlain(options)) return connectorVersion
  const { pack: _, ...others } = options
  const plain = isPlain({ ...options, pack: 'none' })
  const mark = plain ? 0 : 1 + (hashText(JSON.stringify(others)) % OPTIONS_MAX)
  return mark * OPTIONS_PLACE + packVersionOf(options.pack) * PACK_PLACE + connectorVersion
}

/** FNV-1a over UTF-16 units. */
function hashText(text: string): number {
  let hash = FNV_OFFSET
  for (let at = 0; at < text.length; at++)
    hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME) >>> 0
  return hash
}
