// Creates certificates for the servers of tests.

import { generateKeyPairSync, sign } from 'node:crypto'

const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  const size = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

/**
 * A self-signed certificate for `name` that never expires (X.509 by hand, ECDSA P-256), so that the
 * repository holds no key.
 */
export function createCertificate(name: string): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der(0x30, hex('06082a8648ce3d040302'))
  const subject = der(0x30, der(0x31, der(0x30, hex('0603550403'), der(0x0c, Buffer.from(name)))))
  const validity = der(
    0x30,
    der(0x17, Buffer.from('200101000000Z')),
    der(0x18, Buffer.from('99991231235959Z')),
  )
  const altName = der(0x30, hex('0603551d11'), der(0x04, der(0x30, der(0x82, Buffer.from(name)))))
  const version = der(0xa0, hex('020102'))
  const serial = hex('020101')
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const body = der(
    0x30,
    version,
    serial,
    algorithm,
    subject,
    validity,
    subject,
    spki,
    der(0xa3, der(0x30, altName)),
  )
  const cert = der(0x30, body, algorithm, der(0x03, hex('00'), sign('sha256', body, privateKey)))
  const pem = `-----BEGIN CERTIFICATE-----\n${cert.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem }
}
