// The secrets among the settings, in every form in which a log or an error could contain them.

import { secretsOfAlerts } from './alert-settings.ts'
import { secretsOfAddress } from './connection-address.ts'
import { IMAGEKIT_PASSWORD } from './image-settings.ts'
import type { GivenValues } from './setting-conflicts.ts'
import { isSecret, SETTING_NAMES } from './settings-schema.ts'

/** Lists the secrets that are never sent to a supplier. */
export function ownSecrets(given: GivenValues): string[] {
  // The address of a queue without credentials is not a secret, and errors contain it.
  const isOpen = (name: string): boolean => name === 'QUEUE_URL' && !given.QUEUE_URL?.includes('@')
  return [
    ...SETTING_NAMES.filter((name) => isSecret(name) && !isOpen(name)).map((name) => given[name]),
    ...[given.DATABASE_URL, given.MIGRATE_DATABASE_URL, given.QUEUE_URL].flatMap((address = '') =>
      secretsOfAddress(address),
    ),
    ...secretsOfImageKit(given.IMAGEKIT_PRIVATE_KEY),
    ...secretsOfAlerts(given.SLACK_WEBHOOK_URL, given.SENTRY_DSN),
  ].filter((secret) => secret !== undefined)
}

/** The form in which requests to ImageKit contain the key. */
function secretsOfImageKit(key: string | undefined): string[] {
  return key === undefined ? [] : [Buffer.from(`${key}:${IMAGEKIT_PASSWORD}`).toString('base64')]
}
