// Money in the currency's own minor unit: 12.50 AUD is 1250, 1200 JPY is 1200, 1.250 KWD is 1250.
// Digits are converted as text, never as a float.

/**
 * Currencies whose number of decimals is not two, by ISO 4217
 * (https://www.iso.org/iso-4217-currency-codes.html).
 */
const DECIMALS = new Map<string, number>([
  ...withDecimals('BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF', 0),
  ...withDecimals('BHD IQD JOD KWD LYD OMR TND', 3),
  ...withDecimals('CLF UYW', 4),
])

/**
 * `12.50` in AUD → 1250. Zeros past the currency's last decimal are accepted (`1200.00` JPY →
 * 1200). Returns null for anything else: a sign, a thousands separator, more precision than the
 * currency has, or an amount above the safe integers.
 */
export function minorOf(decimal: string, currency: string): number | null {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(decimal)
  if (!match) return null
  const [, whole = '', fraction = ''] = match
  const decimals = decimalsOf(currency)
  if (/[1-9]/.test(fraction.slice(decimals))) return null
  const amountMinor = Number(whole + fraction.slice(0, decimals).padEnd(decimals, '0'))
  return Number.isSafeInteger(amountMinor) ? amountMinor : null
}

/** 1250 in AUD → `AUD 12.50`. Without separators, so that `minorOf` can parse the number. */
export function formatMoney(amountMinor: number, currency: string): string {
  return `${currency} ${formatAmount(String(amountMinor), currency)}`
}

/** `1250` in AUD → `12.50`. The digits may exceed the safe integers. */
export function formatAmount(minor: string, currency: string): string {
  const decimals = decimalsOf(currency)
  const [sign, unsigned] = minor.startsWith('-') ? ['-', minor.slice(1)] : ['', minor]
  const digits = unsigned.padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = decimals > 0 ? `.${digits.slice(-decimals)}` : ''
  return `${sign}${whole}${fraction}`
}

/**
 * Converts an amount that a supplier counts in its own unit: `277666` with 2 decimals is 2776.66.
 * Shop software has a setting for the number of decimals, which is not that of ISO 4217. Returns null
 * as `minorOf` does, for `1999` with 3 decimals in USD for example.
 */
export function minorFromScaled(digits: string, scale: number, currency: string): number | null {
  if (!/^\d+$/.test(digits)) return null
  const padded = digits.padStart(scale + 1, '0')
  const cut = padded.length - scale
  return minorOf(scale === 0 ? padded : `${padded.slice(0, cut)}.${padded.slice(cut)}`, currency)
}

/** Returns the number of decimals of an ISO 4217 currency. */
export function decimalsOf(currency: string): number {
  return DECIMALS.get(currency) ?? 2
}

function withDecimals(currencies: string, decimals: number): [string, number][] {
  return currencies.split(' ').map((currency) => [currency, decimals])
}
