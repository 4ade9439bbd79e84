// Checks the variables of single webhooks, which no table of settings can list: WEBHOOK_SECRET_<NAME>
// and WEBHOOK_ADDRESS_<NAME>.

import { parseSigningSecrets } from '../core/webhook-message.ts'
import { isWebhookVariable } from '../core/webhook-variables.ts'

type Values = Readonly<Record<string, string>>

/** Selects the variables of single webhooks. */
export function pickWebhookVariables(given: Readonly<Record<string, string | undefined>>): Values {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      value !== undefined && isWebhookVariable(name) ? [[name, value]] : [],
    ),
  )
}

/** Lists the problems; they never quote a value. */
export function findWebhookFaults(values: Values): string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    isAddressVariable(name) ? findAddressFaults(name, value) : findSecretFaults(name, value),
  )
}

/** Lists what must not be shown: the secrets, and of an address also the path that makes it one. */
export function listWebhookSecrets(values: Values): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (!isAddressVariable(name)) return [value, ...value.split(/\s+/)]
    const url = URL.parse(value)
    return url === null ? [value] : [value, url.href, url.pathname + url.search]
  })
}

function isAddressVariable(name: string): boolean {
  return name.startsWith('WEBHOOK_ADDRESS_')
}

function findAddressFaults(name: string, value: string): string[] {
  const scheme = URL.parse(value)?.protocol
  return scheme === 'https:' || scheme === 'http:' ? [] : [`${name}: expected an https address`]
}

function findSecretFaults(name: string, value: string): string[] {
  return parseSigningSecrets(value) === null
    ? [`${name}: expected one or two secrets, each \`whsec_\` and 24 to 64 bytes in base64`]
    : []
}
