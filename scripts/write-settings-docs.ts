// Writes `.env.example` and docs/settings.md from the settings schema and from the limits of a
// source.

import { Policy } from '../src/core/policy.ts'
import { SETTING_NAMES, settingMeta } from '../src/config/settings-schema.ts'
import { markdownTable, writeGenerated } from './support/generated.ts'

const settings = SETTING_NAMES.map((name) => ({ name, ...settingMeta(name) }))
const groups = Map.groupBy(settings, ({ group }) => group)

function envExample(): string {
  const lines = [
    '# All settings of Shelfsync; each is optional. Copy this file to `.env`. The environment overrides `.env`.',
    '# Put a value that contains "#" in quotes: NAME="a#b". Without quotes, a comment begins at the "#", and the rest of the value is lost.',
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
    'Shelfsync reads settings from the environment and from `.env` in the working directory; the environment overrides `.env`. An empty value counts as not set, except for `DATABASE_URL`, where it is an error.',
    'In `.env`, put a value that contains `#` in quotes: without quotes, a comment begins there.',
    '`scripts/write-settings-docs.ts` writes this page from the schema in `src/config/settings-schema.ts`.',
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
    'A run that exceeds a limit is held for a decision. The limits are stored with the source: `shelfsync sources set NAME --policy removalShare=0.2`.',
    '',
    ...markdownTable(['limit', 'meaning', 'default'], limits),
  )
  return `${lines.join('\n')}\n`
}

await writeGenerated({ '.env.example': envExample(), 'docs/settings.md': settingsPage() })
