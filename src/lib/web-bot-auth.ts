// Signs requests, so that a site can tell who sends them: HTTP Message Signatures (RFC 9421) with the
// profile Web Bot Auth (draft-ietf-webbotauth-httpsig-protocol). A signature covers the host, so it is
// of no use elsewhere, and expires after a minute.

const LIFETIME_S = 60
const NONCE_BYTES = 32
const LABEL = 'sig1'
/** The bytes before those of a private key in PKCS #8: https://www.rfc-editor.org/rfc/rfc8410 */
const PKCS8_HEAD = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]

export class RequestSigner {
  readonly #key: string
  readonly #agent: string
  #loaded: Promise<{ key: CryptoKey; id: string }> | null = null

  /**
   * `key` is a private Ed25519 key, the member `d` of its JWK. `agent` is the origin at which the site
   * finds the public key, such as `https://bot.example`.
   */
  constructor(key: string, agent: string) {
    this.#key = key
    this.#agent = agent
  }

  /** Returns the headers of a request to `url` that is sent at `nowMs`. */
  async sign(url: URL, nowMs: number): Promise<Record<string, string>> {
    const { key, id } = await (this.#loaded ??= loadKey(this.#key))
    const created = Math.floor(nowMs / 1000)
    const nonce = toBase64(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)))
    const agent = `"${this.#agent}"`
    const parameters = `("@authority" "signature-agent");created=${created};expires=${created + LIFETIME_S};keyid="${id}";alg="ed25519";nonce="${nonce}";tag="web-bot-auth"`
    const base = [
      `"@authority": ${url.host}`,
      `"signature-agent": ${agent}`,
      `"@signature-params": ${parameters}`,
    ].join('\n')
    const signature = await crypto.subtle.sign('Ed25519', key, new TextEncoder().encode(base))
    return {
      'signature-agent': agent,
      'signature-input': `${LABEL}=${parameters}`,
      signature: `${LABEL}=:${toBase64(new Uint8Array(signature))}:`,
    }
  }
}

async function loadKey(d: string): Promise<{ key: CryptoKey; id: string }> {
  const bytes = new Uint8Array([...PKCS8_HEAD, ...fromBase64Url(d)])
  const key = await crypto.subtle.importKey('pkcs8', bytes, 'Ed25519', true, ['sign'])
  const { x = '' } = await crypto.subtle.exportKey('jwk', key)
  return { key, id: await computeKeyId(x) }
}

/** The thumbprint of the public key, by RFC 7638 and RFC 8037. */
async function computeKeyId(x: string): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', text))
  return toBase64(digest).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

function fromBase64Url(text: string): Uint8Array {
  const bytes = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(bytes, (char) => char.charCodeAt(0))
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
