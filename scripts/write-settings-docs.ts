// Writes `.env.example` and docs/settings.md from the settings schema; with --check it only says whether they are up to date.

import { readFileSync, writeFileSync } from 'node:fs'
import { SETTING_NAMES, settingMeta } from '../src/node/settings-schema.ts'

const settings = SETTING_NAMES.map((name) => ({ name, ...settingMeta(name) }))
const groups = Map.groupBy(settings, ({ group }) => group)

function envExample(): string {
  const lines = ['# All settings of Shelfsync; each may be left out. Copy this to `.env`; the environment wins over it.']
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
    'From the environment and from `.env` in the working directory; the environment wins, and an empty value counts as none.',
    'This page is written by `scripts/write-settings-docs.ts` from the schema in `src/node/settings-schema.ts`.',
  ]
  for (const [group, members] of groups) {
    lines.push('', `## ${group}`, '', '| setting | meaning | default |', '| --- | --- | --- |')
    for (const { name, description, default: otherwise, secret } of members) {
      lines.push(`| \`${name}\` | ${description}${secret ? ' **Secret.**' : ''} | ${otherwise} |`)
    }
  }
  return `${lines.join('\n')}\n`
}

const pages = { '.env.example': envExample(), 'docs/settings.md': settingsPage() }
for (const [path, text] of Object.entries(pages)) {
  const file = new URL(`../${path}`, import.meta.url)
  if (!process.argv.includes('--check')) writeFileSync(file, text)
  else if (readIfThere(file) !== text) {
    console.error(`${path} differs from the settings schema: run node scripts/write-settings-docs.ts`)
    process.exitCode = 1
  }
}

function readIfThere(file: URL): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
