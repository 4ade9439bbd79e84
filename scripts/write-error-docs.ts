// Writes docs/errors.md from the table of errors.

import { ERRORS, type Action } from '../src/core/error-table.ts'
import { formatTable, writeGenerated } from './support/generated.ts'

const ACTIONS: Readonly<Record<Action, string>> = {
  retry: 'tries again later',
  quarantine: 'quarantines the record',
  stop: 'stops; a person must act',
}

const codes = Object.entries(ERRORS)
const places = Map.groupBy(codes, ([code]) => code.split('/')[0] ?? code)

const lines = [
  '# Errors',
  '',
  'Every error that Shelfsync foresees has a code, `<where>/<what>`. The command line prints the message and the hint. `--json`, the log',
  'and `shelfsync runs show` contain the code. A message that begins with "internal error" has no code and is a bug.',
  '`scripts/write-error-docs.ts` writes this page from `src/core/error-table.ts`.',
]
for (const [place, members] of places) {
  const rows = members.map(([code, { action, status, hint }]) => [
    `\`${code}\``,
    ACTIONS[action],
    hint,
    String(status),
  ])
  lines.push(
    '',
    `## ${place}`,
    '',
    ...formatTable(['code', 'what Shelfsync does', 'what you can do', 'HTTP status'], rows),
  )
}

await writeGenerated({ 'docs/errors.md': `${lines.join('\n')}\n` })
