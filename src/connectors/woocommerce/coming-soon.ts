// Finds out if a shop is open. In the mode "coming soon", WooCommerce shows visitors a template in
// place of its pages, while the API responds as before; the owner's choice is honoured.

import { hasAction, SyncError } from '../../core/errors.ts'
import { readStart } from '../../lib/bot-challenge.ts'
import { toHost } from '../../lib/read-body.ts'
import type { Ask } from './list.ts'

const PAGE_BYTES_MAX = 512 * 1024
/** https://github.com/woocommerce/woocommerce: ComingSoonRequestHandler prints the first one. */
const MARKS = /<meta name=["']woo-coming-soon-page["']|data-block-name="woocommerce\/coming-soon"/

/**
 * Reads a page of the shop as a visitor. A page that cannot be read says nothing.
 *
 * @throws SyncError `source/closed` in the mode "coming soon" · any error with the action `retry`
 */
export async function refuseComingSoon(ask: Ask, page: string): Promise<void> {
  if (await isComingSoon(ask, page))
    throw new SyncError(
      'source/closed',
      `${toHost(page)} is in the mode "coming soon": it shows visitors no products yet`,
    )
}

async function isComingSoon(ask: Ask, page: string): Promise<boolean> {
  try {
    const response = await ask(page)
    const text = await readStart(response.body, PAGE_BYTES_MAX)
    await response.cancel()
    return MARKS.test(text)
  } catch (error) {
    if (hasAction(error, 'stop') && error.code !== 'run/cancelled') return false
    throw error
  }
}
