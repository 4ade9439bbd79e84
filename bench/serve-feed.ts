// Serves one prerendered feed in a separate process, which shares no memory with the measured code.

import { serveFeed } from '../simulators/medipim/feed.ts'

const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('usage: serve-feed.ts FILE')
const simulator = await serveFeed(file, { rateLimit: null })
process.send?.({ url: simulator.url })
process.on('disconnect', () => void simulator.close())
