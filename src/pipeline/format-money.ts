// Money for people to read. Amounts are minor units everywhere else.

/** Minor units as people write them: `AUD 12.50`, `JPY 1250`. */
export function formatMoney(amountMinor: number, currency: string): string {
  const digits = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
  return `${currency} ${(amountMinor / 10 ** digits).toFixed(digits)}`
}
