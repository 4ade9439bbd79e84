// The bare load: COPY of the same lines into a staging table, and one merge into the same tables in
// SQL. It does not fetch, archive, validate, hash or resume.

import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { reportFigures } from './processes.ts'

const STAGING = `
  drop table if exists public.staging;
  create unlogged table public.staging (line jsonb) with (toast_tuple_target = 8160);
  alter table public.staging alter line set storage external`

/** The merge parses every record anyway, so it stores the parsed form in a separate column. */
const DOCUMENT = `
  alter table catalog.products add column if not exists document jsonb;
  do $$ begin
    alter table catalog.products alter document set compression lz4;
  exception when feature_not_supported or invalid_parameter_value then null;
  end $$`

// The quote and the delimiter are control characters that JSON never contains, so lines stay
// intact.
const COPY = `copy public.staging from stdin with (format csv, quote e'\\x01', delimiter e'\\x02')`

// Compares everything but the member that differs in every response, which is the most that a cheap
// comparison can do. `offset 0` extracts each record once per statement.
const RECORDS = `(select line -> 'result' as r from public.staging offset 0) s`
const MERGE = [
  `insert into catalog.products as p (source_id, external_id, seq, status, title, description,
     brand, manufacturer, identifiers, attributes, successor, source_updated_at, first_seen_at,
     changed_at, run_id, part_no, line_no, normaliser_version, record_hash, content_hash, document)
   select 1, r ->> 'id', row_number() over (),
     case r ->> 'status'
       when 'active' then 'active' when 'no_selection' then 'draft' else 'unavailable' end,
     r -> 'name' ->> 'en',
     (select d -> 'content' ->> 'en' from jsonb_array_elements(r -> 'descriptions') d
      where d ->> 'type' = 'full_description' limit 1),
     r -> 'brands' -> 0 ->> 'name', r -> 'organizations' -> 0 ->> 'name',
     jsonb_strip_nulls(jsonb_build_object('ean', r -> 'ean', 'ean_gtin13', r -> 'eanGtin13',
       'ean_gtin14', r -> 'eanGtin14', 'artg_id', r -> 'artgId', 'pbs', r -> 'pbs',
       'fred', r -> 'fred', 'z_code', r -> 'zCode', 'snomed_mpp', r -> 'snomedMpp',
       'snomed_tpp', r -> 'snomedTpp')),
     jsonb_strip_nulls(jsonb_build_object('supplier_status', r -> 'status',
       'vat_rate', r -> 'vat', 'conservation', r -> 'conservation')),
     r ->> 'replacement', to_timestamp((r -> 'meta' ->> 'updatedAt')::bigint), now(), now(),
     1, 1, 1, 1, '', '', r
   from ${RECORDS}
   on conflict (source_id, external_id) do update
     set status = excluded.status, title = excluded.title, description = excluded.description,
         brand = excluded.brand, manufacturer = excluded.manufacturer,
         identifiers = excluded.identifiers, attributes = excluded.attributes,
         successor = excluded.successor, source_updated_at = excluded.source_updated_at,
         changed_at = now(), document = excluded.document
     where (p.document - 'meta') is distinct from (excluded.document - 'meta')`,
  `insert into catalog.variants as v
     (source_id, product_external_id, external_id, position, sku, gtin, weight_grams, pack_count)
   select 1, r ->> 'id', r ->> 'id', 0, r ->> 'supplierReference', r ->> 'eanGtin13',
     (r ->> 'weight')::numeric, null
   from ${RECORDS}
   on conflict (source_id, product_external_id, external_id) do update
     set sku = excluded.sku, gtin = excluded.gtin, weight_grams = excluded.weight_grams
     where (v.sku, v.gtin, v.weight_grams)
       is distinct from (excluded.sku, excluded.gtin, excluded.weight_grams)`,
  `insert into catalog.prices as c (source_id, product_external_id, variant_external_id,
     price_type, run_id, amount_minor, currency, state, observed_at)
   select 1, r ->> 'id', r ->> 'id', t.type, 1, (r ->> t.member)::bigint, 'AUD', 'current', now()
   from ${RECORDS},
     (values ('public', 'publicPrice'), ('manufacturer', 'manufacturerPrice'),
       ('pharmacist', 'pharmacistPrice')) t (type, member)
   where (r ->> t.member) ~ '^\\d+$'
   on conflict (source_id, product_external_id, variant_external_id, price_type, run_id) do update
     set amount_minor = excluded.amount_minor
     where c.amount_minor is distinct from excluded.amount_minor`,
  `insert into catalog.images as i (source_id, product_external_id, position, url)
   select 1, r ->> 'id', o.n - 1, o.photo -> 'formats' ->> 'huge'
   from ${RECORDS},
     jsonb_array_elements(
       case jsonb_typeof(r -> 'photos') when 'array' then r -> 'photos' else '[]' end
     ) with ordinality o (photo, n)
   where o.photo -> 'formats' ->> 'huge' is not null
   on conflict (source_id, product_external_id, position) do update
     set url = excluded.url where i.url is distinct from excluded.url`,
]

const [databaseUrl, file] = process.argv.slice(2)
if (databaseUrl === undefined || file === undefined)
  throw new Error('usage: copy-merge.ts DATABASE FILE')
const client = new pg.Client({ connectionString: databaseUrl })
await client.connect()
await client.query(
  `insert into catalog.sources (name, connector)
   select 'bench', 'medipim' where not exists (select from catalog.sources)`,
)
await client.query(DOCUMENT)
const startedMs = performance.now()
await client.query(STAGING)
await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), client.query(copyFrom(COPY)))
await client.query('begin')
for (const statement of MERGE) await client.query(statement)
await client.query('commit')
const seconds = (performance.now() - startedMs) / 1000
await client.query('drop table public.staging')
await client.end()
reportFigures({ seconds })
