// Sessions of the dashboard. A row has no token, only its hash.

import { toBytes, toInstant, type Catalog } from '../catalog.ts'

export interface NewSession {
  readonly tokenHash: Uint8Array
  readonly name: string
  readonly mayWrite: boolean
  readonly keyProof: Uint8Array
  readonly lifetimeSeconds: number
}

export interface SessionRow {
  readonly name: string
  readonly mayWrite: boolean
  readonly keyProof: Uint8Array
  readonly expiresAt: Date
}

export async function openSession(
  db: Catalog,
  { tokenHash, name, mayWrite, keyProof, lifetimeSeconds }: NewSession,
): Promise<void> {
  await db.call('open_session', {
    token_hash: tokenHash,
    name: name,
    may_write: mayWrite,
    key_proof: keyProof,
    lifetime: `${lifetimeSeconds} seconds`,
  })
}

/** Returns null after the end of the session. */
export async function findSession(
  db: Catalog,
  tokenHash: Uint8Array,
  timeoutMs: number,
): Promise<SessionRow | null> {
  const [row] = await db.call<{
    name: string
    may_write: boolean
    key_proof: string
    expires_at: string
  }>('find_session', { token_hash: tokenHash }, timeoutMs)
  if (!row) return null
  return {
    name: row.name,
    mayWrite: row.may_write,
    keyProof: toBytes(row.key_proof),
    expiresAt: toInstant(row.expires_at),
  }
}

/** Calling it twice is safe. */
export async function endSession(db: Catalog, tokenHash: Uint8Array): Promise<void> {
  await db.call('end_session', { token_hash: tokenHash })
}
