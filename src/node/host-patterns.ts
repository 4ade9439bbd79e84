// The patterns of ALLOW_PRIVATE_HOSTS: `host`, `*.domain`, `address` or CIDR, each host and address
// with an optional `:port`.

import ipaddr from 'ipaddr.js'
import { parseAddress, stripBrackets, type Address } from './ip-addresses.ts'

export interface HostPattern {
  readonly matches: (hostname: string, address: Address | null) => boolean
  /** True for this one address, not for a name or a range that includes it. */
  readonly isExactly: (address: Address) => boolean
  readonly port: number | null
}

const PORT_MAX = 65_535
const HOST_NAME = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/
/** Values of an on/off switch. They are refused as hosts, because this setting is a list. */
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

/** Parses one entry of ALLOW_PRIVATE_HOSTS. @throws Error with the reason when it is invalid */
export function parseHostPattern(pattern: string): HostPattern {
  const text = pattern.trim().toLowerCase()
  if (text.includes('/')) {
    if (!ipaddr.isValidCIDR(text)) throw new Error(`"${pattern}" is not a CIDR range`)
    return { ...matchRange(ipaddr.parseCIDR(text)), port: null }
  }
  const [, host = text, digits] = /^(\[.*\]|[^:]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  const port = digits === undefined ? null : Number(digits)
  if (port !== null && port > PORT_MAX) throw new Error(`"${pattern}" has an invalid port`)
  const address = parseAddress(stripBrackets(host))
  if (address !== null) return { ...matchRange([address, countBits(address)]), port }
  if (!HOST_NAME.test(host)) throw new Error(`"${pattern}" is not host, host:port or a CIDR range`)
  // `1` and `true` are mistaken for a switch, and a host cannot end in a number
  // (https://url.spec.whatwg.org/#ends-in-a-number-checker).
  if (SWITCHES.has(host) || /(^|\.)(\d+|0x[\da-f]*)\.?$/.test(host))
    throw new Error(`"${pattern}" is not a host`)
  const suffix = host.startsWith('*.') ? host.slice(1) : null
  return {
    matches: (hostname) => (suffix === null ? hostname === host : hostname.endsWith(suffix)),
    isExactly: () => false,
    port,
  }
}

function matchRange([range, bits]: [Address, number]): Pick<HostPattern, 'matches' | 'isExactly'> {
  const contains = (address: Address): boolean =>
    address.kind() === range.kind() && address.match(range, bits)
  return {
    matches: (_, address) => address !== null && contains(address),
    isExactly: (address) => bits === countBits(range) && contains(address),
  }
}

function countBits(address: Address): number {
  return address.kind() === 'ipv4' ? 32 : 128
}
