// Writes `.env.example` and docs/settings.md from the settings schema, and with them the limits
// that each source has.

import { Policy } from '../src/core/policy.ts'
import { SETTING_NAMES, settingMeta } from '../src/config/settings-schema.ts'
import { markdownTable, writeGenerated } from './support/generated.ts'

const settings = SETTING_NAMES.map((name) => ({ name, ...settingMeta(name) }))
const groups = Map.groupBy(settings, ({ group }) => group)

function envExample(): string {
  const lines = [
    '# All settings of Shelfsync; each may be left out. Copy this to `.env`; the environment wins over it.',
    '# A value with a "#" in it stands in quotes: NAME="a#b". Without them a comment begins at the "#", and the rest of the value is lost.',
  ]
  for (const [group, members] of groups) {
    lines.push('', `# ${group}`)
    for (const { name, description, default: otherwise, example } of members) {
      lines.push('', `# ${description} Default: ${otherwise}.`, `#${name}=${example}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function settingsPage(): string {
  const lines = [
    '# Settings',
    '',
    'From the environment and from `.env` in the working directory; the environment wins, and an empty value counts as none, but that of `DATABASE_URL`, which is an error.',
    'In `.env` a value with a `#` in it stands in quotes: without them a comment begins there.',
    'This page is written by `scripts/write-settings-docs.ts` from the schema in `src/config/settings-schema.ts`.',
  ]
  for (const [group, members] of groups) {
    const rows = members.map(({ name, description, default: otherwise, secret }) => [
      `\`${name}\``,
      `${description}${secret ? ' **Secret.**' : ''}`,
      otherwise,
    ])
    lines.push('', `## ${group}`, '', ...markdownTable(['setting', 'meaning', 'default'], rows))
  }
  const limits = Object.entries(Policy.shape).map(([name, limit]) => [
    `\`${name}\``,
    limit.description ?? '',
    String(limit.parse(undefined)),
  ])
  lines.push(
    '',
    '## Limits of a source',
    '',
    'What a run may do without being asked. They are stored with the source: `shelfsync sources set NAME --policy removalShare=0.2`.',
    '',
    ...markdownTable(['limit', 'meaning', 'default'], limits),
  )
  return `${lines.join('\n')}\n`
}

await writeGenerated({ '.env.example': envExample(), 'docs/settings.md': settingsPage() })
