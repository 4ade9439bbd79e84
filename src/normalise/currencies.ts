// Currency codes and signs as data. A sign that several currencies share identifies no currency.

import { compileLexicon, type LexiconEntry } from './lexicon.ts'
import { readTokens } from './tokens.ts'
import { toWordSet } from './words.ts'

/** The active national codes (https://www.iso.org/iso-4217-currency-codes.html, list one). */
const CODES = toWordSet(
  `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
  CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP
  GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD
  KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN
  NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP
  SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND
  VUV WST XAF XCD XOF XPF YER ZAR ZMW`,
)

/** The currency of a sign, or null for a sign that several currencies share. */
export interface CurrencySign {
  /** As shops print it. */
  readonly sign: string
  readonly currency: string | null
}

function named(currency: string): CurrencySign {
  return { sign: currency, currency }
}

function shared(sign: string): CurrencySign {
  return { sign, currency: null }
}

const SIGNS: readonly LexiconEntry<CurrencySign>[] = [
  ...Array.from(CODES, (code): LexiconEntry<CurrencySign> => [named(code), code]),
  [named('EUR'), '€ | euro'],
  [named('INR'), '₹'],
  [named('KRW'), '₩ | 원'],
  [named('JPY'), '円'],
  [named('TRY'), '₺ | tl'],
  [named('RUB'), '₽ | руб'],
  [named('UAH'), '₴ | грн'],
  [named('PLN'), 'zł'],
  [named('CZK'), 'Kč'],
  [named('HUF'), 'Ft'],
  [named('ILS'), '₪'],
  [named('THB'), '฿'],
  [named('VND'), '₫'],
  [named('PHP'), '₱'],
  [named('NGN'), '₦'],
  [named('BDT'), '৳'],
  [named('CRC'), '₡'],
  [named('PYG'), '₲'],
  [named('GHS'), '₵'],
  [named('KZT'), '₸'],
  [named('GEL'), '₾'],
  [named('MYR'), 'RM'],
  [named('IDR'), 'Rp'],
  [named('BRL'), 'R$'],
  [named('USD'), 'US$'],
  [named('AUD'), 'A$ | AU$'],
  [named('CAD'), 'C$ | CA$'],
  [named('NZD'), 'NZ$'],
  [named('HKD'), 'HK$'],
  [named('SGD'), 'S$'],
  [named('TWD'), 'NT$'],
  [named('MXN'), 'MX$'],
  [named('RSD'), 'din'],
  [named('KWD'), 'د.ك | kd'],
  [named('AED'), 'د.إ'],
  [named('SAR'), 'ر.س'],
  [shared('$'), '$'],
  [shared('£'), '£'],
  [shared('¥'), '¥ | 元'],
  [shared('kr'), 'kr'],
  [shared('Rs'), 'Rs'],
  [shared('lei'), 'lei'],
  [shared('Dhs'), 'dh | dhs'],
  [shared('Fr'), 'fr'],
]

/** Signs and codes; matching ignores case, and `.` after a sign. */
export const CURRENCY_LEXICON = compileLexicon(SIGNS)

/** Words for the tax of one country, beside a sign that it shares with others. */
export const TAX_WORDS = compileLexicon<CurrencySign>([
  [{ sign: '¥', currency: 'JPY' }, '税込 | 税込み | 税抜 | 税抜き | 税別 | 消費税'],
])

const WORDS = new Set(
  SIGNS.flatMap(([, phrases]) => phrases.split('|'))
    .map((phrase) => readTokens(phrase).tokens)
    .flatMap(([first, ...others]) => (first && others.length === 0 ? [first.text] : [])),
)

/** True for a folded token that is a currency sign or code. */
export function isCurrencyWord(word: string): boolean {
  return WORDS.has(word)
}
