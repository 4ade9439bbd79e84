// The marketplaces for which a credential is valid, with their currencies, by the end of its
// version.

const GROUPS: Readonly<Record<string, string>> = {
  '1': 'com USD, ca CAD, com.mx MXN, com.br BRL',
  '2':
    'co.uk GBP, de EUR, fr EUR, it EUR, es EUR, nl EUR, com.be EUR, ie EUR, eg EGP, in INR, pl PLN, ' +
    'sa SAR, se SEK, com.tr TRY, ae AED',
  '3': 'co.jp JPY, sg SGD, com.au AUD',
}

/** `www.amazon.de` → `EUR`, of the region group of a version such as `3.2`. */
export function listMarketplaces(version: string): ReadonlyMap<string, string> {
  const rows = (GROUPS[version.slice(-1)] ?? '').split(', ').map((row) => row.split(' '))
  return new Map(rows.map(([domain = '', currency = '']) => [`www.amazon.${domain}`, currency]))
}
