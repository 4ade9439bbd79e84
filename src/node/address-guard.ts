// Decides which addresses a request may go to, so that a user's URL cannot reach into our own
// network. Names are judged by the very addresses the connection then uses (`lookupFor` is the
// socket's own resolver), so a DNS answer that changes between a check and the connection
// (rebinding) has nothing to change.

import { lookup as resolveByDns } from 'node:dns/promises'
import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { SyncError } from '../core/errors.ts'
import { createNetworks } from './networks.ts'

/**
 * Hosts that may be reached although they are private: `host`, `*.domain`, `address` or CIDR, each
 * host and address with an optional `:port`.
 */
export type AllowPrivateHosts = readonly string[]

export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>

export interface AddressGuard {
  /** What can be judged before any packet leaves. @throws SyncError `source/address-refused` */
  check(url: URL): void
  /**
   * Whether what is sent to `url` in the clear stays with us: this machine, or a host that is
   * allowed by its own name or address.
   */
  isOwn(url: URL): boolean
  /**
   * The resolver for connections to `url`; it fails with `source/address-refused` when any one of
   * the addresses is refused.
   */
  lookupFor(url: URL): LookupFunction
}

type Address = ipaddr.IPv4 | ipaddr.IPv6

interface HostPattern {
  readonly matches: (hostname: string, address: Address | null) => boolean
  /** Whether it is this very address, and not a name or a range that leads there. */
  readonly isExactly: (address: Address) => boolean
  readonly port: number | null
}

const PORTS = new Set([80, 443])
const SWITCHES = new Set([
  'true',
  'false',
  't',
  'f',
  'yes',
  'no',
  'y',
  'n',
  'on',
  'off',
  'enable',
  'enabled',
  'disable',
  'disabled',
  'allow',
  'allowed',
  'all',
  'any',
  'none',
  'null',
  'undefined',
])
const PORT_MAX = 65_535
const HOST_NAME = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/
/**
 * Where clouds answer every process of a machine, with its credentials among the rest. All of the
 * link-local range is refused alike:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 * (169.254.169.254, fd00:ec2::254; of containers 169.254.170.2, 169.254.170.23, fd00:ec2::23) ·
 * https://cloud.google.com/compute/docs/metadata/querying-metadata (169.254.169.254, fd20:ce::254)
 * · https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16 ·
 * https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata (100.100.100.200) ·
 * Oracle (192.0.0.192, fd00:c1::a9fe:a9fe) · Tencent (169.254.0.23) · Scaleway (169.254.42.42,
 * fd00:42::42) · OpenStack (fe80::a9fe:a9fe)
 */
const METADATA = createNetworks([
  '169.254.0.0/16',
  'fe80::/10',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  'fd00:c1::a9fe:a9fe',
  'fd00:42::42',
])
/**
 * IPv6 ranges that lead to the IPv4 address inside them (RFC 6052, 8215, 3056, 4291, 2765), and
 * where it begins, in bytes.
 */
const TRANSLATED: readonly (readonly [range: string, at: number])[] = [
  ['64:ff9b::/96', 12],
  ['64:ff9b:1::/96', 12],
  ['::/96', 12],
  ['::ffff:0:0:0/96', 12],
  ['2002::/16', 2],
]
const PRIVATE_NAMES = /(^|\.)(localhost|internal|flycast|local)$/
// Only here does the internet live (RFC 4291); the rest of IPv6 is reserved, translated, or
// somebody's own.
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3')

export function createAddressGuard(
  allow: AllowPrivateHosts,
  resolve: Resolve = resolveAll,
): AddressGuard {
  const patterns = allow.map(parseHostPattern)
  const patternsFor = (port: number) =>
    patterns.filter((pattern) => (pattern.port ?? port) === port)
  const allowed = (hostname: string, address: Address | null, port: number) =>
    patternsFor(port).some(({ matches }) => matches(hostname, address))

  function judge(hostname: string, address: Address, port: number): string | null {
    if (isMetadata(address) && !patternsFor(port).some(({ isExactly }) => isExactly(address))) {
      return 'a cloud keeps the credentials of its machines there; ALLOW_PRIVATE_HOSTS must name that very address'
    }
    if (allowed(hostname, address, port)) return null
    return (
      reasonAgainst(address) ?? (PORTS.has(port) ? null : `port ${port} is not a port of the web`)
    )
  }

  function judgeName(hostname: string, port: number): string | null {
    return PRIVATE_NAMES.test(hostname) && !allowed(hostname, null, port)
      ? 'it is a name inside a private network'
      : null
  }

  return {
    check(url) {
      const scheme = url.protocol
      if (scheme !== 'http:' && scheme !== 'https:')
        throw refused(url, `only http and https are spoken, not ${scheme.slice(0, -1)}`)
      if (url.username !== '' || url.password !== '') throw refused(url, 'it carries credentials')
      const hostname = hostnameOf(url)
      const port = portOf(url)
      const address = parseAddress(hostname)
      const reason = address === null ? judgeName(hostname, port) : judge(hostname, address, port)
      if (reason !== null) throw refused(url, reason)
    },

    isOwn(url) {
      const hostname = hostnameOf(url)
      const address = parseAddress(hostname)
      const isThisMachine =
        address === null ? /(^|\.)localhost$/.test(hostname) : address.range() === 'loopback'
      return isThisMachine || allowed(hostname, address, portOf(url))
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
            else if (first === undefined)
              callback(
                Object.assign(new Error(`no address for ${name}`), { code: 'ENOTFOUND' }),
                '',
              )
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
    return { ...within(ipaddr.parseCIDR(text)), port: null }
  }
  const [, host = text, digits] = /^(\[.*\]|[^:]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  const port = digits === undefined ? null : Number(digits)
  if (port !== null && port > PORT_MAX) throw new Error(`"${pattern}" has no port that exists`)
  const address = parseAddress(bare(host))
  if (address !== null) return { ...within([address, widthOf(address)]), port }
  if (!HOST_NAME.test(host)) throw new Error(`"${pattern}" is not host, host:port or a CIDR range`)
  // `1` and `true` are meant as a switch, and no host can end in a number
  // (https://url.spec.whatwg.org/#ends-in-a-number-checker).
  if (SWITCHES.has(host) || /(^|\.)(\d+|0x[\da-f]*)\.?$/.test(host))
    throw new Error(`"${pattern}" is no host`)
  const suffix = host.startsWith('*.') ? host.slice(1) : null
  return {
    matches: (hostname) => (suffix === null ? hostname === host : hostname.endsWith(suffix)),
    isExactly: () => false,
    port,
  }
}

function within([range, bits]: [Address, number]): Pick<HostPattern, 'matches' | 'isExactly'> {
  const contains = (address: Address): boolean =>
    address.kind() === range.kind() && address.match(range, bits)
  return {
    matches: (_, address) => address !== null && contains(address),
    isExactly: (address) => bits === widthOf(range) && contains(address),
  }
}

function widthOf(address: Address): number {
  return address.kind() === 'ipv4' ? 32 : 128
}

function isMetadata(address: Address): boolean {
  return (
    METADATA.includes(address.toString()) ||
    TRANSLATED.some(([range, at]) => {
      if (address.kind() === 'ipv4' || !address.match(ipaddr.IPv6.parseCIDR(range))) return false
      return METADATA.includes(
        address
          .toByteArray()
          .slice(at, at + 4)
          .join('.'),
      )
    })
  )
}

/** Why nothing public can live at `address`, or null when it can. */
function reasonAgainst(address: Address): string | null {
  const range = address.range()
  if (range !== 'unicast') return `the range "${range}" is not public`
  return address.kind() === 'ipv4' || address.match(GLOBAL_IPV6) ? null : 'the range is not public'
}

/**
 * Mapped addresses (`::ffff:10.0.0.1`) are judged as the IPv4 address that a connection to them
 * reaches; a zone is ignored.
 */
function parseAddress(text: string): Address | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.parse(text)
  // By way of URL, because ipaddr.js takes `::8.8.8.8` for the mapped `::ffff:8.8.8.8`.
  const canonical = URL.parse(`http://[${text.replace(/%.*/, '')}]`)?.hostname
  return canonical === undefined ? null : ipaddr.process(bare(canonical))
}

/**
 * WHATWG parsing has made one notation of decimal, octal, hexadecimal and short IPv4 by now, and
 * punycode of every script.
 */
function hostnameOf(url: URL): string {
  return bare(url.hostname.toLowerCase().replace(/\.+$/, ''))
}

function bare(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}

function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
}

function refused(url: URL, reason: string): SyncError {
  return new SyncError(
    'source/address-refused',
    `${url.host === '' ? 'The address' : url.host} is refused: ${reason}`,
  )
}

function resolveAll(hostname: string): Promise<LookupAddress[]> {
  return resolveByDns(hostname, { all: true })
}
