// Loaded before the command line, it makes the pipeline's parts and batches small, so that a
// catalogue of some thousand products is worth sharing.

import { DEFAULT_OPTIONS } from '../../src/pipeline/options.ts'

// A page of the supplier, which has about a megabyte, is never divided.
Object.assign(DEFAULT_OPTIONS, { partBytesMax: 1, batchRecordsMax: 40 })
