// Addresses of pages as identities: two spellings of one address are one product.

/** Parameters that describe a visit, not a page. */
const TRACKING =
  /^(?:utm_\w+|_?ga|_gl|gclid|gbraid|wbraid|gad_\w+|dclid|fbclid|msclkid|mc_[ce]id|yclid|ttclid|twclid|igshid|igsh|srsltid|_hs\w+|hsa_\w+|_kx|_pos|_sid|_ss|_psq|_fid|_v|pr_\w+|ref|ref_src|ref_|source|cmpid|campaign|affiliate|aff|aff_id|awc|irclickid|epik|phpsessid|jsessionid|sid|sessionid|osCsid|zenid|variant_tracking|currency|country)$/i

/**
 * Returns one spelling of an address for all that mean the same page: without fragment, tracking
 * parameters, a final slash and a default file, with sorted parameters and one notation of
 * characters. Null for an address that is not of the web.
 */
export function toPageAddress(address: string, base?: string): string | null {
  const url = toVisitedUrl(address, base)
  if (url === null) return null
  url.searchParams.sort()
  url.pathname = spellPath(url.pathname, url.search === '')
  return `${url.origin}${url.pathname}${url.search}`
}

/** Returns the address of a page as its shop writes it, without what describes the visit. */
export function toShownAddress(address: string): string | null {
  return toVisitedUrl(address)?.href ?? null
}

/** Returns the host without `www.`: a site has the same pages under both. */
export function toBareHost({ host }: URL): string {
  return host.replace(/^www\./, '')
}

function toVisitedUrl(address: string, base?: string): URL | null {
  const url = URL.parse(address, base)
  if (url === null || !/^https?:$/.test(url.protocol)) return null
  url.hash = ''
  url.username = ''
  url.password = ''
  for (const name of new Set(url.searchParams.keys()))
    if (TRACKING.test(name)) url.searchParams.delete(name)
  return url
}

/**
 * NFC, each character escaped or not as in RFC 3986, without a session, a final slash, and the name
 * of a default file, unless parameters follow it.
 */
function spellPath(path: string, isWithoutParameters: boolean): string {
  const plain = path.replace(/;jsessionid=[^/]*/i, '').replaceAll(/\/{2,}/g, '/')
  const folder = isWithoutParameters ? plain.replace(/\/index\.(?:html?|php)$/i, '/') : plain
  return folder
    .split('/')
    .map(spellSegment)
    .join('/')
    .replace(/(?<=.)\/$/, '')
}

function spellSegment(segment: string): string {
  try {
    return encodeURIComponent(decodeURIComponent(segment).normalize('NFC')).replaceAll(
      /%(?:21|24|26|27|28|29|2A|2B|2C|3A|3B|3D|40)/g,
      (escape) => decodeURIComponent(escape),
    )
  } catch {
    return segment
  }
}
