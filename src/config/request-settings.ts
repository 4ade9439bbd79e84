// Settings of outgoing requests and of the log.

import { z } from 'zod'
import { ROLES, WORKER_ROLES, type Role } from '../core/roles.ts'
import { VERSION } from '../core/version.ts'
import { plain } from './setting.ts'
import { HostPatterns, matching, RequestRates } from './value-schemas.ts'

const HOME_PAGE = 'https://github.com/shelfsync/shelfsync'
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** The roles that send requests to suppliers. */
const REQUESTERS: readonly Role[] = ['fetcher', 'images', 'deliver']

export const requestSettings = {
  ALLOW_PRIVATE_HOSTS: plain(HostPatterns, {
    description:
      'Your own private hosts that requests may reach: a list of `host`, `*.domain`, address and CIDR range, each host ' +
      'and address with an optional `:port`. A cloud metadata address that serves credentials, such as 169.254.169.254, must be listed by itself, not as part of a range.',
    default: 'none',
    example: '127.0.0.1,shop.internal:8080,10.0.0.0/8',
    readBy: [...WORKER_ROLES, 'images', 'deliver'],
  }),
  REQUEST_RATES: plain(RequestRates, {
    description:
      'Your own rates of requests, shared by all workers of the database: a list of `scope=requests/period`, with the period `s`, `min`, `h` or `day`. ' +
      'A scope is the name of a connector, `host` for each host, or `images` for the images of each host; the page of each connector states its rates.',
    default: 'the rates of the connectors',
    example: 'host=1/s,shopify=2/s',
    readBy: REQUESTERS,
  }),
  LOG_LEVEL: plain(z.enum(LOG_LEVELS, { error: `one of ${LOG_LEVELS.join(', ')}` }), {
    description: `The lowest level that is logged: ${LOG_LEVELS.join(', ')}.`,
    default: 'info',
    example: 'debug',
    readBy: ROLES,
  }),
  CONTACT: plain(matching(/^[\x21-\x7e]{1,200}$/, 'an address or e-mail, without spaces'), {
    description: 'Address at which shop owners can reach you; part of the User-Agent.',
    default: 'the project page',
    example: 'https://your-site.example/bot',
    readBy: REQUESTERS,
  }),
  USER_AGENT: plain(matching(/^[\x20-\x7e]{1,300}$/, 'plain ASCII text'), {
    description:
      'The complete User-Agent, in place of the default one with the name Shelfsync and CONTACT.',
    default: 'Shelfsync/VERSION (+CONTACT)',
    example: 'MyPriceSite/2.1 (+https://your-site.example/bot)',
    readBy: REQUESTERS,
  }),
}

/** The User-Agent of requests while USER_AGENT is not set. */
export function formatUserAgent(contact = HOME_PAGE): string {
  return `Shelfsync/${VERSION} (+${contact})`
}
