// Decides which addresses a request may reach, so that a user's URL cannot reach a private network.
// `lookupFor` is the resolver of the connection itself: a name is checked by the addresses that the
// connection uses, so a DNS record that changes after a check (rebinding) has no effect.

import { lookup as resolveByDns } from 'node:dns/promises'
import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { SyncError } from '../core/errors.ts'
import { parseHostPattern, type HostPattern } from './host-patterns.ts'
import {
  findPrivateReason,
  isMetadata,
  parseAddress,
  stripBrackets,
  type Address,
} from './ip-addresses.ts'

/** Private hosts that requests may reach, see host-patterns.ts. */
export type AllowPrivateHosts = readonly string[]

export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>

export interface AddressGuard {
  /** Checks what is known without DNS. @throws SyncError `source/address-refused` */
  check(url: URL): void
  /** True for this machine and for hosts that are allowed by their name or address. */
  isOwn(url: URL): boolean
  /**
   * Returns the resolver for connections to `url`. It fails with `source/address-refused` when any
   * of the addresses is refused.
   */
  lookupFor(url: URL): LookupFunction
}

/** A host and port that a request is sent to. */
interface Target {
  readonly hostname: string
  readonly port: number
}

const PORTS = new Set([80, 443])
const PRIVATE_NAMES = /(^|\.)(localhost|internal|flycast|local)$/

export function createAddressGuard(
  allow: AllowPrivateHosts,
  resolve: Resolve = resolveAll,
): AddressGuard {
  const rules = new Rules(allow.map(parseHostPattern))
  return {
    check(url) {
      const scheme = url.protocol
      if (scheme !== 'http:' && scheme !== 'https:')
        throw createRefusal(url, `only http and https are allowed, not ${scheme.slice(0, -1)}`)
      if (url.username !== '' || url.password !== '')
        throw createRefusal(url, 'it contains credentials')
      const target = toTarget(url)
      const address = parseAddress(target.hostname)
      const reason =
        address === null ? rules.findNameReason(target) : rules.findReason(target, address)
      if (reason !== null) throw createRefusal(url, reason)
    },

    isOwn(url) {
      const target = toTarget(url)
      const address = parseAddress(target.hostname)
      const isThisMachine =
        address === null ? /(^|\.)localhost$/.test(target.hostname) : address.range() === 'loopback'
      return isThisMachine || rules.isAllowed(target, address)
    },

    lookupFor(url) {
      const target = toTarget(url)
      return toLookup(async (name) => {
        const found = await resolve(name)
        for (const { address } of found) {
          const parsed = parseAddress(address)
          const reason = parsed === null ? 'not an IP address' : rules.findReason(target, parsed)
          if (reason !== null) throw createRefusal(url, `it leads to ${address}: ${reason}`)
        }
        return found
      })
    },
  }
}

/** Each `find…Reason` returns the reason for a refusal, or null. */
class Rules {
  readonly #patterns: readonly HostPattern[]

  constructor(patterns: readonly HostPattern[]) {
    this.#patterns = patterns
  }

  findReason(target: Target, address: Address): string | null {
    const isNamed = this.#patternsOf(target).some(({ isExactly }) => isExactly(address))
    if (isMetadata(address) && !isNamed)
      return (
        'it is a cloud metadata address, which holds credentials; ' +
        'ALLOW_PRIVATE_HOSTS must contain the exact address'
      )
    if (this.isAllowed(target, address)) return null
    const { port } = target
    return findPrivateReason(address) ?? (PORTS.has(port) ? null : `port ${port} is not 80 or 443`)
  }

  findNameReason(target: Target): string | null {
    return PRIVATE_NAMES.test(target.hostname) && !this.isAllowed(target, null)
      ? 'it is a name inside a private network'
      : null
  }

  isAllowed(target: Target, address: Address | null): boolean {
    return this.#patternsOf(target).some(({ matches }) => matches(target.hostname, address))
  }

  #patternsOf({ port }: Target): HostPattern[] {
    return this.#patterns.filter((pattern) => (pattern.port ?? port) === port)
  }
}

function toLookup(resolve: Resolve): LookupFunction {
  return (name, options, callback) => {
    resolve(name).then(
      (found) => {
        const first = found[0]
        // Node would throw outside of the request when it gets an empty list.
        if (first === undefined)
          callback(Object.assign(new Error(`no address for ${name}`), { code: 'ENOTFOUND' }), '')
        else if (options.all === true) callback(null, [...found])
        else callback(null, first.address, first.family)
      },
      (error: Error) => callback(error, ''),
    )
  }
}

/**
 * The URL parser has already converted decimal, octal, hexadecimal and short IPv4 to one notation,
 * and every script to punycode.
 */
function toTarget(url: URL): Target {
  const defaultPort = url.protocol === 'https:' ? 443 : 80
  return {
    hostname: stripBrackets(url.hostname.toLowerCase().replace(/\.+$/, '')),
    port: url.port === '' ? defaultPort : Number(url.port),
  }
}

function createRefusal(url: URL, reason: string): SyncError {
  return new SyncError(
    'source/address-refused',
    `${url.host === '' ? 'The address' : url.host} is refused: ${reason}`,
  )
}

function resolveAll(hostname: string): Promise<LookupAddress[]> {
  return resolveByDns(hostname, { all: true })
}
