// Calls of the schema's functions, by name and with named arguments: the one thing that sessions of
// Postgres and Supabase's Data API both can do. What a call answers is JSON whichever way it went:
// instants are ISO text, bytes are `\x` and hex.

import type { ClientBase } from 'pg'
import { toStorableJson, toStorableText } from '../lib/storable.ts'
import { translateErrors } from './errors.ts'

/**
 * By the names that the function gives them, without their `p_`. Bytes go as bytes, instants as
 * dates, documents as `jsonb(…)`. What no text of Postgres can hold becomes U+FFFD: messages and
 * ids quote what suppliers wrote, and must not be what stops a run.
 */
export type Args = Readonly<Record<string, unknown>>

export interface Catalog {
  /**
   * Every row that the function answers, as JSON; of a function that answers a single value, that
   * value. What takes longer than `timeoutMs` has failed, and its connection is closed, so that
   * none is kept by a database that is silent. It may have been done nevertheless.
   *
   * @throws SyncError what the function refuses, in its own code · `db/…` when the database cannot
   * be asked
   */
  call<Row>(name: string, args: Args, timeoutMs?: number): Promise<Row[]>
}

/** The same inside a session, where several calls can share a transaction. */
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

/**
 * A statement that has failed when it takes longer than `timeoutMs`; a pool closes its connection
 * then.
 */
export function timed(text: string, timeoutMs: number): { readonly text: string } {
  // pg's types know it of whole connections only.
  const statement = { text, query_timeout: timeoutMs }
  return statement
}

/** A document as an argument: pg would make an SQL array of a list, so it is told otherwise. */
export function jsonb(value: unknown): object {
  return { toPostgres: () => toStorableJson(JSON.stringify(value)), toJSON: () => value }
}

/** The only row. @throws Error when there is none: functions that answer one always do */
export function one<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw new Error('The function answered without a row')
  return row
}

/**
 * What a `bytea` looks like as text, in either `bytea_output`: the Data API's sessions are not ours
 * to set.
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
