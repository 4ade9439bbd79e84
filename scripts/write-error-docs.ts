// Writes docs/errors.md from the table of errors.

import { ERRORS, type Action, type ErrorCode } from '../src/core/error-table.ts'
import { classifyFailure, FAILURE_CLASSES } from '../src/core/failure-class.ts'
import { formatTable, writeGenerated } from './support/generated.ts'

const ACTIONS: Readonly<Record<Action, string>> = {
  retry: 'tries again later',
  quarantine: 'quarantines the record',
  stop: 'stops; a person must act',
}

const classes = Object.entries(FAILURE_CLASSES).map(([name, words]) => [`\`${name}\``, words])
const codes = Object.entries(ERRORS)
const places = Map.groupBy(codes, ([code]) => code.split('/')[0] ?? code)

const lines = [
  '# Errors',
  '',
  'Every error that Shelfsync foresees has a code, `<where>/<what>`. The command line prints the message and the hint. `--json`, the log',
  'and `shelfsync runs show` contain the code. A message that begins with "internal error" has no code and is a bug.',
  '`scripts/write-error-docs.ts` writes this page from `src/core/error-table.ts` and `src/core/failure-class.ts`.',
  '',
  '## Failure classes',
  '',
  'An error of a host also has a failure class. `shelfsync status`, `shelfsync sources show` and `GET /status` show the class of a source whose last run failed with one:',
  '',
  ...formatTable(['failure class', 'the host'], classes),
]
for (const [place, members] of places) {
  const rows = members.map(([code, { action, status, hint }]) => [
    `\`${code}\``,
    ACTIONS[action],
    ...(place === 'source' ? [classifyFailure(code as ErrorCode) ?? ''] : []),
    hint,
    String(status),
  ])
  lines.push(
    '',
    `## ${place}`,
    '',
    ...formatTable(
      [
        'code',
        'what Shelfsync does',
        ...(place === 'source' ? ['failure class'] : []),
        'what you can do',
        'HTTP status',
      ],
      rows,
    ),
  )
}

await writeGenerated({ 'docs/errors.md': `${lines.join('\n')}\n` })
