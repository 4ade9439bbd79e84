// Reads the shop's own settings by the REST API: its products state neither their currency nor the
// unit of their weight.

import { z } from 'zod'
import { hasAction, SyncError } from '../../../core/errors.ts'
import { readJson } from '../../../lib/read-json.ts'
import { toHost } from '../../../lib/read-body.ts'
import { failureOf } from '../errors.ts'
import type { Ask } from '../list.ts'
import { toApiUrl, type WoocommerceSettings } from '../settings.ts'
import { toKeyError } from './key-error.ts'

const BYTES_MAX = 1024 * 1024

const Options = z.array(z.object({ id: z.string(), value: z.unknown().optional() }))

/** The facts that are added to each record, so that it can be read alone. */
export interface ShopFacts {
  /** ISO 4217. */
  readonly currency: string
  readonly weightUnit: string | null
}

/**
 * Reads the settings of the shop. Warns when visitors see other prices than the REST API states.
 *
 * @throws SyncError `source/unauthorized` · `source/malformed` without a currency · `source/…`
 */
export async function readShopFacts(
  ask: Ask,
  settings: WoocommerceSettings,
  warn: (message: string) => void,
): Promise<ShopFacts> {
  const host = toHost(settings.url)
  const general = await readOptions(ask, settings, 'general')
  const currency = general.get('woocommerce_currency')
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency))
    throw new SyncError('source/malformed', `${host} states no currency in its settings`)
  if (general.get('woocommerce_calc_taxes') === 'yes') {
    const tax = await findOptions(ask, settings, 'tax')
    const stored = tax.get('woocommerce_prices_include_tax') === 'yes' ? 'incl' : 'excl'
    const shown = tax.get('woocommerce_tax_display_shop') ?? stored
    if (stored !== shown)
      warn(
        `${host} stores prices ${nameTax(stored)} and shows them ${nameTax(shown)}: the prices of the REST API are the stored ones`,
      )
  }
  const unit = (await findOptions(ask, settings, 'products')).get('woocommerce_weight_unit')
  return { currency, weightUnit: typeof unit === 'string' && unit !== '' ? unit : null }
}

function nameTax(side: unknown): string {
  return side === 'incl' ? 'with tax' : 'without tax'
}

/** A key may read products and not all settings. */
async function findOptions(
  ask: Ask,
  settings: WoocommerceSettings,
  group: string,
): Promise<ReadonlyMap<string, unknown>> {
  try {
    return await readOptions(ask, settings, group)
  } catch (error) {
    if (hasAction(error, 'stop') && error.code !== 'run/cancelled') return new Map()
    throw error
  }
}

async function readOptions(
  ask: Ask,
  settings: WoocommerceSettings,
  group: string,
): Promise<ReadonlyMap<string, unknown>> {
  const response = await ask(toApiUrl(settings, `wc/v3/settings/${group}`, '_fields=id,value'))
  const failure = await failureOf(response, `${toHost(settings.url)}, settings/${group},`)
  if (failure !== null) throw toKeyError(failure)
  const options = await readJson(response, Options, BYTES_MAX)
  return new Map(options.map(({ id, value }) => [id, value]))
}
