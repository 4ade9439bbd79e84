// `Buffer` as a global, which the pipeline expects and Deno 2.1 lacks. Import this before the pipeline.

import { Buffer } from 'node:buffer'

globalThis.Buffer ??= Buffer
