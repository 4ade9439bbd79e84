// `Buffer` and `process` as globals, which the pipeline expects and Deno 2.1 lacks or may lack.
// Import this before the pipeline.

import { Buffer } from 'node:buffer'
import process from 'node:process'

globalThis.Buffer ??= Buffer
globalThis.process ??= process
