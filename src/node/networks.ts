// Lists of addresses and networks, such as those of proxies that are known.

import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

export interface Networks {
  /** Whether `address` lies in one of them. What is no address does not. */
  includes(address: string): boolean
}

/**
 * Each an address or a CIDR range. @throws Error for anything else, and for a range that everything
 * lies in
 */
export function createNetworks(entries: readonly string[]): Networks {
  const ranges = entries.map(parseRange)
  return {
    includes(text) {
      if (!ipaddr.isValid(text)) return false
      const address = ipaddr.process(text)
      return ranges.some(
        ([range, bits]) => range.kind() === address.kind() && address.match(range, bits),
      )
    },
  }
}

function parseRange(entry: string): [Address, number] {
  // Stricter than ipaddr.js, for which `1` and `0x7f000001` are addresses too.
  const [, host = '', digits] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(entry) ?? []
  if (!host.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(host))
    throw new Error(`"${entry}" is neither an address nor a CIDR range`)
  const address = ipaddr.process(host)
  const width = address.kind() === 'ipv4' ? 32 : 128
  const bits = digits === undefined ? width : Number(digits)
  if (bits < 1 || bits > width)
    throw new Error(`"${entry}" is no network: after the slash stands a number from 1 to ${width}`)
  return [address, bits]
}
