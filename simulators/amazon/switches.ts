// Switches of the simulator for the differences between accounts and between moments.

export interface AmazonSwitches {
  /** Id and secret; the version decides the token endpoint and the header of requests. */
  readonly credential?: { readonly id: string; readonly secret: string; readonly version: string }
  /** Accepted associate tags. */
  readonly tags?: readonly string[]
  /** Accepted marketplaces; null: those for which the credential is valid. */
  readonly marketplaces?: readonly string[] | null
  /** Lifetime of a token. */
  readonly tokenSeconds?: number
  /** Items that are omitted without an error. */
  readonly omitted?: readonly string[]
  /** Items that are refused with this code. */
  readonly refused?: Readonly<Record<string, string>>
  /** The order of items is not that of the request. */
  readonly isShuffled?: boolean
  /** The first item is sent twice. */
  readonly isRepeated?: boolean
  readonly nulls?: boolean
  readonly largest?: 'hiRes' | 'highRes'
  /** Requests per second and per day; null: no limit. */
  readonly perSecond?: number | null
  readonly perDay?: number | null
  /** The form in which a 429 states the wait. */
  readonly retryAfter?: 'seconds' | 'date' | 'body' | 'none'
  /** False: too few sales. */
  readonly isEligible?: boolean
  /** True: the address of PA-API 5.0, which responds with its retirement. */
  readonly isRetired?: boolean
}

export const DEFAULTS = {
  credential: { id: 'amzn1.simulated', secret: 'simulated-secret', version: '3.1' },
  tags: ['simulated-20'],
  marketplaces: null,
  tokenSeconds: 3_600,
  omitted: [],
  refused: {},
  isShuffled: true,
  isRepeated: false,
  nulls: true,
  largest: 'hiRes',
  perSecond: null,
  perDay: null,
  retryAfter: 'seconds',
  isEligible: true,
  isRetired: false,
} as const satisfies Required<AmazonSwitches>
