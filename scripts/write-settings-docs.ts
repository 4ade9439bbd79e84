// Writes `.env.example` and docs/settings.md from the settings schema, the credentials that
// connectors declare, and the limits of a source.

import { Policy } from '../src/core/policy.ts'
import { SETTING_GROUPS } from '../src/config/settings-schema.ts'
import { CONNECTORS } from '../src/connectors/registry.ts'
import { ROLES, type Role } from '../src/core/roles.ts'
import { sourceVariable } from '../src/core/credentials.ts'
import { formatTable, writeGenerated } from './support/generated.ts'

const EXAMPLE_SOURCE = 'my-shop'

/** The secrets that one source may have, such as `SECRET_MY_SHOP_TOKEN`. */
const sourceSecrets = [...CONNECTORS.values()].flatMap(({ name: connector, credentials }) =>
  Object.entries(credentials.variables)
    .filter(([, { secret }]) => secret)
    .map(([member, { name, description }]) => ({
      connector,
      name: sourceVariable(EXAMPLE_SOURCE, member),
      shared: name,
      description,
    })),
)

const connectorPolicies = [...CONNECTORS.values()]
  .filter(({ policy }) => policy !== undefined)
  .map(({ name, policy }) => [
    name,
    Object.entries(policy ?? {})
      .map(([limit, value]) => `\`${limit}=${value}\``)
      .join(', '),
  ])

function formatExample(): string {
  const lines = [
    '# All settings of Shelfsync; each is optional. Copy this file to `.env`. The environment overrides `.env`.',
    '# Put a value that contains "#" in quotes: NAME="a#b". Without quotes, a comment begins at the "#", and the rest of the value is lost.',
  ]
  for (const [heading, settings] of SETTING_GROUPS) {
    lines.push('', `# ${heading}`)
    for (const [name, { description, default: otherwise, example }] of settings) {
      lines.push('', `# ${description} Default: ${otherwise}.`, `#${name}=${example}`)
    }
  }
  lines.push('', '# Secrets of one source: SECRET_<SOURCE>_<NAME>. They win over the shared ones.')
  lines.push(...sourceSecrets.map(({ name }) => `#${name}=`))
  return `${lines.join('\n')}\n`
}

function formatPage(): string {
  const lines = [
    '# Settings',
    '',
    'Shelfsync reads settings from the environment and from `.env` in the working directory; the environment overrides `.env`. An empty value counts as not set, except for `DATABASE_URL`, where it is an error.',
    'In `.env`, put a value that contains `#` in quotes: without quotes, a comment begins there.',
    'The last column lists the roles of `shelfsync serve` that use a setting. Where each role has its own process, the process needs no other setting. Commands use every setting.',
    '`scripts/write-settings-docs.ts` writes this page from the schema in `src/config/settings-schema.ts`.',
  ]
  for (const [heading, settings] of SETTING_GROUPS) {
    const rows = [...settings].map(
      ([name, { description, default: otherwise, secret, readBy }]) => [
        `\`${name}\``,
        `${description}${secret ? ' **Secret.**' : ''}`,
        otherwise,
        formatRoles(readBy),
      ],
    )
    const header = ['setting', 'meaning', 'default', 'roles']
    lines.push('', `## ${heading}`, '', ...formatTable(header, rows))
  }
  lines.push('', ...sourceSecretLines())
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
    ...formatTable(['limit', 'meaning', 'default'], limits),
    '',
    'A connector may have other defaults, which are stored with its sources when they are added:',
    '',
    ...formatTable(['connector', 'limits'], connectorPolicies),
  )
  return `${lines.join('\n')}\n`
}

function formatRoles(roles: readonly Role[]): string {
  if (roles.length === 0) return 'none'
  return roles.length === ROLES.length ? 'all' : roles.join(', ')
}

function sourceSecretLines(): string[] {
  return [
    '## Secrets of one source',
    '',
    'Each of many shops may need its own token. Set `SECRET_<SOURCE>_<NAME>` in the environment or in `.env`, with the name of the source in upper case and `_` for `-`.',
    `For the source \`${EXAMPLE_SOURCE}\` these are:`,
    '',
    ...formatTable(
      ['variable', 'connector', 'in place of'],
      sourceSecrets.map(({ name, connector, shared }) => [
        `\`${name}\``,
        connector,
        shared === null ? '' : `\`${shared}\``,
      ]),
    ),
    '',
    'A source with at least one of its variables set does not use the shared secrets of its connector. Secrets are never stored in the database and never printed:',
    '`shelfsync sources show NAME` lists the variables of a source as set or missing, and `shelfsync doctor` reports a variable that no source uses.',
  ]
}

await writeGenerated({ '.env.example': formatExample(), 'docs/settings.md': formatPage() })
