// Preloaded with `--import`: when the process exits, writes the URLs of all imported files, one per
// line, to the file that the variable IMPORTS_FILE names.

import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const urls = new Set<string>()
registerHooks({
  load(url, context, nextLoad) {
    if (url.startsWith('file:')) urls.add(url)
    return nextLoad(url, context)
  },
})
process.on('exit', () => {
  const file = process.env['IMPORTS_FILE']
  if (file !== undefined) writeFileSync(file, [...urls].join('\n'))
})
