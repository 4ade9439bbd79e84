// Calls functions of the schema by name, with named arguments, through a Postgres session or the
// Data API. Both return JSON: instants are ISO text, bytes are `\x` and hex.

import type { ClientBase } from 'pg'
import { toStorableJson, toStorableText } from '../lib/storable-text.ts'
import { translateErrors } from './errors.ts'

/**
 * Arguments by their names in the function, without `p_`. Bytes are passed as bytes, instants as
 * dates, documents as `jsonb(…)`. Characters that Postgres text cannot store become U+FFFD:
 * messages and ids quote a supplier's text, which must not stop a run.
 */
export type Args = Readonly<Record<string, unknown>>

export interface Catalog {
  /**
   * Returns every row of the function as JSON; a function with a single value returns that value.
   * A call that takes longer than `timeoutMs` fails and its connection is closed, so that an
   * unresponsive database does not use up the pool; the database may still have executed the call.
   *
   * @throws SyncError with the code that the function raised · `db/…` when the database is
   * unavailable
   */
  call<Row>(name: string, args: Args, timeoutMs?: number): Promise<Row[]>
}

/** Calls inside a session, where several of them can share a transaction. */
export function inSession(session: Pick<ClientBase, 'query'>): Catalog {
  return {
    async call<Row>(name: string, args: Args, timeoutMs?: number): Promise<Row[]> {
      const parameters = Object.keys(args).map(
        (argument, index) => `p_${argument} => $${index + 1}`,
      )
      const sql = `select to_jsonb(f) as row from catalog.${name}(${parameters.join(', ')}) f`
      const values = Object.values(args).map((value) =>
        typeof value === 'string' ? toStorableText(value) : value,
      )
      const { rows } = await translateErrors(
        session.query<{ row: Row }>(timeoutMs === undefined ? sql : timed(sql, timeoutMs), values),
      )
      return rows.map(({ row }) => row)
    },
  }
}

/** Returns a statement that fails after `timeoutMs`; the pool then closes its connection. */
export function timed(text: string, timeoutMs: number): { readonly text: string } {
  // The types of pg declare this option only for whole connections.
  const statement = { text, query_timeout: timeoutMs }
  return statement
}

/** Wraps a document as an argument. Without this, pg would turn a list into an SQL array. */
export function jsonb(value: unknown): object {
  return { toPostgres: () => toStorableJson(JSON.stringify(value)), toJSON: () => value }
}

/** Returns the only row. @throws Error when the function returned none */
export function one<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw new Error('The function returned no row')
  return row
}

/**
 * Reads the text of a `bytea` in either format of `bytea_output`: the sessions of the Data API may
 * use either.
 */
export function toBytes(text: string): Buffer {
  if (text.startsWith('\\x')) return Buffer.from(text.slice(2), 'hex')
  return Buffer.from(
    text.replaceAll(/\\(\\|[0-7]{3})/g, (_, code: string) =>
      code === '\\' ? code : String.fromCharCode(parseInt(code, 8)),
    ),
    'latin1',
  )
}

export function toInstant(text: string): Date
export function toInstant(text: string | null): Date | null
export function toInstant(text: string | null): Date | null {
  return text === null ? null : new Date(text)
}

/** Reads big-endian int4 values that follow each other, from a `bytea` as text. */
export function toInts(text: string): number[] {
  const bytes = toBytes(text)
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readInt32BE(index * 4))
}
