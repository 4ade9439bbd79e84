// `shelfsync webhooks add`: stores the address and the filters of a receiver. Its secret is only in
// the environment: the command prints a new one once and stores it nowhere.

import { type Command, Option } from 'commander'
import { CHANGE_KINDS, type FeedKind } from '../../core/change-message.ts'
import { SyncError } from '../../core/errors.ts'
import { createSigningSecret } from '../../core/webhook-message.ts'
import { nameWebhookVariable } from '../../core/webhook-variables.ts'
import { addWebhook } from '../../db/write/webhooks.ts'
import { createAddressCheck } from '../../node/check-address.ts'
import { parseChangeKind, parseFeedName, parsePosition } from '../arguments/feed.ts'
import { type Cli, formatExamples } from '../cli.ts'
import { recordOwnAction } from '../record-own-action.ts'
import { describeUser } from '../user.ts'

interface AddFlags {
  readonly slack?: boolean
  readonly rulesOnly?: boolean
  readonly source?: readonly string[]
  readonly kind?: readonly FeedKind[]
  readonly from?: number
}

export function addAdd(webhooks: Command, cli: Cli): void {
  webhooks
    .command('add')
    .argument('<name>', 'a short name, such as orders', parseFeedName)
    .argument('[address]', 'the https address; by default it is in WEBHOOK_ADDRESS_<NAME>')
    .description('add a webhook, which gets every change from now on')
    .option('--slack', 'an incoming webhook of Slack; it gets only the messages of rules')
    .option('--rules-only', 'only the messages of rules, not each change')
    .addOption(
      new Option('--source <name>', 'only changes of this source; may be repeated').argParser(
        (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
      ),
    )
    .addOption(
      new Option(
        '--kind <kind>',
        `only this kind; may be repeated: ${CHANGE_KINDS.join(', ')}`,
      ).argParser((text: string, before: readonly FeedKind[] | undefined) => [
        ...(before ?? []),
        parseChangeKind(text),
      ]),
    )
    .addOption(
      new Option(
        '--from <cursor>',
        'begin after this position of the feed; 0 for the oldest',
      ).argParser(parsePosition),
    )
    .addHelpText(
      'after',
      formatExamples(
        'shelfsync webhooks add orders https://shop.example/hooks/catalogue',
        'shelfsync webhooks add prices https://shop.example/hooks/prices --kind repriced --source my-shop',
        'shelfsync webhooks add team --slack',
      ),
    )
    .action((name: string, address: string | undefined, flags: AddFlags) =>
      add(cli, { name, address, flags }),
    )
}

interface Given {
  readonly name: string
  readonly address: string | undefined
  readonly flags: AddFlags
}

async function add(cli: Cli, { name, address, flags }: Given): Promise<void> {
  await using tools = await cli.open()
  const { settings } = tools
  const addressVariable = nameWebhookVariable('ADDRESS', name)
  const checked = address ?? settings.webhooks[addressVariable]
  if (flags.slack === true && address !== undefined)
    throw new SyncError(
      'usage/invalid',
      `The address of a Slack webhook is a secret: leave it out, and set ${addressVariable} where the deliverer runs`,
    )
  if (checked !== undefined) await createAddressCheck(settings.allowPrivateHosts)(checked)
  await addWebhook(tools.db, {
    name,
    format: flags.slack === true ? 'slack' : 'standard',
    url: address ?? null,
    getsChanges: flags.slack !== true && flags.rulesOnly !== true,
    sources: flags.source ?? null,
    kinds: flags.kind ?? null,
    after: flags.from ?? null,
    by: describeUser(),
  })
  await recordOwnAction(tools.db, { action: 'webhook.add', subject: name })
  const missing = listMissing(
    name,
    { ...flags, hasAddress: address !== undefined },
    settings.webhooks,
  )
  cli.output.result(
    { webhook: name, state: 'active', environment: missing },
    [`${name} is added`, ...formatMissing(missing)].join('\n'),
  )
}

/** The lines for the environment of the deliverer that are not set here, with a new secret. */
function listMissing(
  name: string,
  { slack = false, hasAddress }: { readonly slack?: boolean; readonly hasAddress: boolean },
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const address = nameWebhookVariable('ADDRESS', name)
  const secret = nameWebhookVariable('SECRET', name)
  return {
    ...(hasAddress || given[address] !== undefined ? {} : { [address]: 'https://…' }),
    ...(slack || given[secret] !== undefined ? {} : { [secret]: createSigningSecret() }),
  }
}

function formatMissing(missing: Readonly<Record<string, string>>): string[] {
  const lines = Object.entries(missing).map(([name, value]) => `  ${name}=${value}`)
  if (lines.length === 0) return []
  return [
    'Set this where `shelfsync serve deliver` runs, and give the secret to the receiver. It is stored nowhere and not shown again:',
    ...lines,
  ]
}
