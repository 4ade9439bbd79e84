// Preloaded before the command line to make parts and batches small, so that processes can share a
// catalogue of a few thousand products.

import { DEFAULT_OPTIONS } from '../../src/pipeline/options.ts'

// A page of the supplier has about a megabyte and is never divided.
Object.assign(DEFAULT_OPTIONS, { partBytesMax: 1, batchRecordsMax: 40 })
