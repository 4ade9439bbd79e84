// Warns before the permission of a site for signed requests ends. One that an owner grants lasts for
// three months at most, covers one domain and cannot be renewed: the owner grants a new one.

import type { WebsiteSettings } from './settings.ts'

const DAY_MS = 24 * 60 * 60_000
const WARN_DAYS = 14

/** Returns a warning in the last two weeks and after the end. */
export function listNotices(
  { url, signatureExpiresOn }: Pick<WebsiteSettings, 'url' | 'signatureExpiresOn'>,
  nowMs: number,
): string[] {
  if (signatureExpiresOn === null) return []
  const daysLeft = Math.floor((Date.parse(signatureExpiresOn) + DAY_MS - nowMs) / DAY_MS)
  if (daysLeft > WARN_DAYS) return []
  const { host } = new URL(url)
  const verb = daysLeft < 0 ? 'ended' : 'ends'
  return [
    `The permission of ${host} for signed requests ${verb} on ${signatureExpiresOn}. Ask its owner for a new one, and state its end with \`shelfsync sources set NAME --set signatureExpiresOn=YYYY-MM-DD\``,
  ]
}
