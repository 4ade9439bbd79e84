// The floor for Node: receives the feed, hashes its bytes once and compresses them, with the HTTP
// client, the hash function and the codec of Shelfsync. It reads no line and keeps no byte.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createCompressor } from '../src/artifacts/codec.ts'
import { createAddressGuard } from '../src/node/address-guard.ts'
import { createHttp } from '../src/node/http-client.ts'
import { createFeedRequest } from './feed-request.ts'
import { reportFigures } from './processes.ts'

const [url] = process.argv.slice(2)
if (url === undefined) throw new Error('usage: node-floor.ts FEED')

const startedMs = performance.now()
const http = createHttp({ guard: createAddressGuard(['127.0.0.1']), userAgent: 'Shelfsync-bench' })
const response = await http(createFeedRequest(url), new AbortController().signal)
if (response.status !== 200) throw new Error(`The feed responded ${response.status}`)
const sum = createHash('sha256')
const compressor = createCompressor('zstd').resume()
for await (const chunk of response.body) {
  sum.update(chunk)
  if (!compressor.write(chunk)) await once(compressor, 'drain')
}
const ended = once(compressor, 'end')
compressor.end()
await ended
sum.digest()
const seconds = (performance.now() - startedMs) / 1000
await http.close()
reportFigures({ seconds })
