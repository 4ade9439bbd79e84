// Lists of addresses and networks, such as those of trusted proxies.

import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

export interface Networks {
  /** True when `address` is in one of the networks; false for text that is not an address. */
  includes(address: string): boolean
}

/**
 * Each entry is an address or a CIDR range.
 *
 * @throws Error for other text, and for a range that contains every address
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
  // Stricter than ipaddr.js, which accepts `1` and `0x7f000001` as addresses.
  const [, host = '', digits] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(entry) ?? []
  if (!host.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(host))
    throw new Error(`"${entry}" is neither an address nor a CIDR range`)
  const address = ipaddr.process(host)
  const width = address.kind() === 'ipv4' ? 32 : 128
  const bits = digits === undefined ? width : Number(digits)
  if (bits < 1 || bits > width)
    throw new Error(
      `"${entry}" is not a network: write a number from 1 to ${width} after the slash`,
    )
  return [address, bits]
}
