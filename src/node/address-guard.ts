// Decides which addresses a request may go to, so that a user's URL cannot reach into our own network. Names are judged by the
// very addresses the connection then uses (`lookupFor` is the socket's own resolver), so a DNS answer that changes between a
// check and the connection (rebinding) has nothing to change.

import { lookup as resolveByDns } from 'node:dns/promises'
import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { SyncError } from '../core/errors.ts'

/** All private hosts, none, or patterns: `host`, `*.domain`, `address` or CIDR, each with an optional `:port`. */
export type AllowPrivateHosts = boolean | readonly string[]

export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>

export interface AddressGuard {
  /** What can be judged before any packet leaves. @throws SyncError `source/address-refused` */
  check(url: URL): void
  /** The resolver for connections to `url`; it fails with `source/address-refused` when any one of the addresses is refused. */
  lookupFor(url: URL): LookupFunction
}

type Address = ipaddr.IPv4 | ipaddr.IPv6

interface HostPattern {
  readonly matches: (hostname: string, address: Address | null) => boolean
  readonly port: number | null
}

const PORTS = new Set([80, 443])
const PRIVATE_NAMES = /(^|\.)(localhost|internal|flycast|local)$/
// Only here does the internet live (RFC 4291); the rest of IPv6 is reserved, translated, or somebody's own.
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3')

export function createAddressGuard(allow: AllowPrivateHosts, resolve: Resolve = resolveAll): AddressGuard {
  const patterns = typeof allow === 'boolean' ? [] : allow.map(parseHostPattern)
  const allowed = (hostname: string, address: Address | null, port: number) =>
    allow === true || patterns.some((pattern) => (pattern.port ?? port) === port && pattern.matches(hostname, address))

  function judge(hostname: string, address: Address, port: number): string | null {
    if (allowed(hostname, address, port)) return null
    return reasonAgainst(address) ?? (PORTS.has(port) ? null : `port ${port} is not a port of the web`)
  }

  function judgeName(hostname: string, port: number): string | null {
    return PRIVATE_NAMES.test(hostname) && !allowed(hostname, null, port) ? 'it is a name inside a private network' : null
  }

  return {
    check(url) {
      const scheme = url.protocol
      if (scheme !== 'http:' && scheme !== 'https:') throw refused(url, `only http and https are spoken, not ${scheme.slice(0, -1)}`)
      if (url.username !== '' || url.password !== '') throw refused(url, 'it carries credentials')
      const hostname = hostnameOf(url)
      const port = portOf(url)
      const address = parseAddress(hostname)
      const reason = address === null ? judgeName(hostname, port) : judge(hostname, address, port)
      if (reason !== null) throw refused(url, reason)
    },

    lookupFor(url) {
      const hostname = hostnameOf(url)
      const port = portOf(url)
      return (name, options, callback) => {
        const answer = async () => {
          const found = await resolve(name)
          for (const { address } of found) {
            const parsed = parseAddress(address)
            const reason = parsed === null ? 'no address' : judge(hostname, parsed, port)
            if (reason !== null) throw refused(url, `it leads to ${address}: ${reason}`)
          }
          return found
        }
        answer().then(
          (found) => {
            const first = found[0]
            if (options.all === true) callback(null, [...found])
            else if (first === undefined) callback(Object.assign(new Error(`no address for ${name}`), { code: 'ENOTFOUND' }), '')
            else callback(null, first.address, first.family)
          },
          (error: Error) => callback(error, ''),
        )
      }
    },
  }
}

/** Reads one entry of ALLOW_PRIVATE_HOSTS. @throws Error with what is wrong with it. */
export function parseHostPattern(pattern: string): HostPattern {
  const text = pattern.trim().toLowerCase()
  if (text.includes('/')) {
    if (!ipaddr.isValidCIDR(text)) throw new Error(`"${pattern}" is not a CIDR range`)
    return { matches: within(ipaddr.parseCIDR(text)), port: null }
  }
  const [, host = text, digits] = /^(\[.*\]|[^:]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  const port = digits === undefined ? null : Number(digits)
  const address = parseAddress(bare(host))
  if (address !== null) return { matches: within([address, address.kind() === 'ipv4' ? 32 : 128]), port }
  if (!/^(\*\.)?[a-z0-9_.-]+$/.test(host)) throw new Error(`"${pattern}" is not host, host:port or a CIDR range`)
  const suffix = host.startsWith('*.') ? host.slice(1) : null
  return { matches: (hostname) => (suffix === null ? hostname === host : hostname.endsWith(suffix)), port }
}

function within([range, bits]: [Address, number]): HostPattern['matches'] {
  return (_, address) => address !== null && address.kind() === range.kind() && address.match(range, bits)
}

/** Why nothing public can live at `address`, or null when it can. */
function reasonAgainst(address: Address): string | null {
  const range = address.range()
  if (range !== 'unicast') return `the range "${range}" is not public`
  return address.kind() === 'ipv4' || address.match(GLOBAL_IPV6) ? null : 'the range is not public'
}

/** Mapped addresses (`::ffff:10.0.0.1`) are judged as the IPv4 address that a connection to them reaches; a zone is ignored. */
function parseAddress(text: string): Address | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.parse(text)
  // By way of URL, because ipaddr.js takes `::8.8.8.8` for the mapped `::ffff:8.8.8.8`.
  const canonical = URL.parse(`http://[${text.replace(/%.*/, '')}]`)?.hostname
  return canonical === undefined ? null : ipaddr.process(bare(canonical))
}

/** WHATWG parsing has made one notation of decimal, octal, hexadecimal and short IPv4 by now, and punycode of every script. */
function hostnameOf(url: URL): string {
  return bare(url.hostname.toLowerCase().replace(/\.+$/, ''))
}

function bare(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host
}

function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
}

function refused(url: URL, reason: string): SyncError {
  return new SyncError('source/address-refused', `${url.host === '' ? 'The address' : url.host} is refused: ${reason}`)
}

function resolveAll(hostname: string): Promise<LookupAddress[]> {
  return resolveByDns(hostname, { all: true })
}
