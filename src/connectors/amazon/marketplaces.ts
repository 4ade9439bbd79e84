// The 22 marketplaces of Amazon as data. A credential is valid for all marketplaces of its region
// group; an associate tag is valid for one. Hosts and regions are those of the retired PA-API,
// which programs still name; the Creators API has one address for all.

/** The region group of a credential: its version ends in .1, .2 or .3. */
export const REGION_GROUPS = { NA: '1', EU: '2', FE: '3' } as const
export type RegionGroup = keyof typeof REGION_GROUPS

export interface Marketplace {
  /** The header `x-marketplace`, such as `www.amazon.de`. */
  readonly code: string
  /** ISO 3166, with UK for the United Kingdom as Amazon writes it; the end of its tag's variable. */
  readonly country: string
  readonly regionName: string
  readonly host: string
  readonly region: string
  readonly group: RegionGroup
  readonly currency: string
  /** The default language first. */
  readonly languages: readonly string[]
}

/** Code after `www.amazon.`, country, name, region, group, currency, languages. */
const ROWS = `
com.au | AU | Australia            | us-west-2 | FE | AUD | en_AU
com.be | BE | Belgium              | eu-west-1 | EU | EUR | fr_BE nl_BE en_GB
com.br | BR | Brazil               | us-east-1 | NA | BRL | pt_BR
ca     | CA | Canada               | us-east-1 | NA | CAD | en_CA fr_CA
eg     | EG | Egypt                | eu-west-1 | EU | EGP | en_AE ar_AE
fr     | FR | France               | eu-west-1 | EU | EUR | fr_FR
de     | DE | Germany              | eu-west-1 | EU | EUR | de_DE cs_CZ en_GB nl_NL pl_PL tr_TR
in     | IN | India                | eu-west-1 | EU | INR | en_IN hi_IN kn_IN ml_IN ta_IN te_IN
ie     | IE | Ireland              | eu-west-1 | EU | EUR | en_IE
it     | IT | Italy                | eu-west-1 | EU | EUR | it_IT
co.jp  | JP | Japan                | us-west-2 | FE | JPY | ja_JP en_US zh_CN
com.mx | MX | Mexico               | us-east-1 | NA | MXN | es_MX
nl     | NL | Netherlands          | eu-west-1 | EU | EUR | nl_NL
pl     | PL | Poland               | eu-west-1 | EU | PLN | pl_PL
sg     | SG | Singapore            | us-west-2 | FE | SGD | en_SG
sa     | SA | Saudi Arabia         | eu-west-1 | EU | SAR | en_AE ar_AE
es     | ES | Spain                | eu-west-1 | EU | EUR | es_ES
se     | SE | Sweden               | eu-west-1 | EU | SEK | sv_SE
com.tr | TR | Türkiye              | eu-west-1 | EU | TRY | tr_TR
ae     | AE | United Arab Emirates | eu-west-1 | EU | AED | en_AE ar_AE
co.uk  | UK | United Kingdom       | eu-west-1 | EU | GBP | en_GB
com    | US | United States        | us-east-1 | NA | USD | en_US de_DE es_US ko_KR pt_BR zh_CN zh_TW
`

export const MARKETPLACES: readonly Marketplace[] = ROWS.trim().split('\n').map(toMarketplace)

const BY_CODE = new Map(MARKETPLACES.map((marketplace) => [marketplace.code, marketplace]))

export function findMarketplace(code: string): Marketplace | null {
  return BY_CODE.get(code) ?? null
}

function toMarketplace(row: string): Marketplace {
  const cells = row.split('|').map((cell) => cell.trim())
  const [domain = '', country = '', regionName = '', region = '', group = ''] = cells
  const [currency = '', languages = ''] = cells.slice(5)
  return {
    code: `www.amazon.${domain}`,
    country,
    regionName,
    host: `webservices.amazon.${domain}`,
    region,
    group: group as RegionGroup,
    currency,
    languages: languages.split(' '),
  }
}
