// The limits of a source as the page shows them and as its form sends them: shares are percentages there.

import { Policy } from '../../../core/policy.ts'
import type { Field } from '../parts/forms.ts'

type LimitName = keyof Policy
type LimitValue = Policy[LimitName] | undefined

export interface Limit {
  readonly name: LimitName
  readonly label: string
  /** The text of the documentation. */
  readonly help: string
  readonly show: (value: LimitValue) => string
}

export interface FormLimit extends Limit {
  readonly field: (value: LimitValue) => Field
  /** Converts the text of the field; undefined for one that was not sent. */
  readonly read: (text: string | undefined) => unknown
}

function describe(name: LimitName): string {
  return Policy.shape[name].description ?? ''
}

function share(name: LimitName, label: string): FormLimit {
  const toPercent = (value: LimitValue) => Math.round(Number(value) * 1e6) / 1e4
  return {
    name,
    label,
    help: describe(name),
    show: (value) => `${toPercent(value)} %`,
    field: (value) => ({ kind: 'number', name, label: `${label}, in %`, value: toPercent(value) }),
    read: (text) => (text === undefined || text === '' ? undefined : Number(text) / 100),
  }
}

function factor(name: LimitName, label: string): FormLimit {
  return {
    name,
    label,
    help: describe(name),
    show: (value) => `× ${String(value)}`,
    field: (value) => ({
      kind: 'number',
      name,
      label: `${label}, as a factor`,
      value: Number(value),
    }),
    read: (text) => (text === undefined || text === '' ? undefined : Number(text)),
  }
}

function toggle(name: LimitName, label: string): FormLimit {
  return {
    name,
    label,
    help: describe(name),
    show: showSwitch,
    field: (value) => ({ kind: 'checkbox', name, label, value: value === true }),
    // A browser does not send an empty checkbox.
    read: (text) => text === 'true',
  }
}

function showSwitch(value: LimitValue): string {
  return value === true ? 'yes' : 'no'
}

export const FORM_LIMITS: readonly FormLimit[] = [
  share('removalShare', 'Missing products'),
  share('quarantineShare', 'Quarantined records'),
  factor('priceFactor', 'Change of one price'),
  share('priceShiftShare', 'Prices that change together'),
  factor('priceShiftFactor', 'Median change of those prices'),
  toggle('allowEmpty', 'A full run may be empty'),
  toggle('enrich', 'The language model fills empty fields'),
]

/** A command changes these: those of a licence delete what is stored. */
export const COMMAND_LIMITS: readonly Limit[] = [
  {
    name: 'storeImages',
    label: 'Images are stored',
    help: describe('storeImages'),
    show: showSwitch,
  },
  {
    name: 'keepPriceHistory',
    label: 'Earlier prices are kept',
    help: describe('keepPriceHistory'),
    show: showSwitch,
  },
  {
    name: 'expiresAfterHours',
    label: 'Content expires',
    help: describe('expiresAfterHours'),
    show: (value) => (typeof value === 'number' ? `after ${value} h` : 'never'),
  },
  {
    name: 'acceptProposals',
    label: 'Proposals of the model are approved',
    help: describe('acceptProposals'),
    show: (value) => (typeof value === 'number' ? `from ${value} on` : 'by a person'),
  },
]
