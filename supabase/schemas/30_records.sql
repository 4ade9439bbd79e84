-- Records of a run: known hashes, product numbers, checkpoints, quarantine, and the brands, organisations and
-- categories that records mention.

-- list_known_records(source) → number and hash of every product without an end of its licence: a record with
-- that hash would leave it unchanged. With an end, the record may renew or remove that end.
create function catalog.list_known_records(p_source integer) returns table (seq integer, record_hash bytea)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select seq, record_hash from catalog.products
  where source_id = p_source and status <> 'removed' and expires_at is null
$$;

-- list_known_records_page(source, after, limit) → (last, records): the same by id, for products after the id
-- `p_after`.
--   records     20 bytes a product, as one value: seq as big-endian int4, and the hash. The Data API cuts off
--               a response at a thousand rows
--   last        the last id of the page; null if the page is empty
create function catalog.list_known_records_page(p_source integer, p_after text, p_limit integer)
returns table (last text, records bytea)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select max(external_id), coalesce(string_agg(int4send(seq) || record_hash, ''::bytea), '')
  from (
    select external_id, seq, record_hash from catalog.products
    where source_id = p_source and external_id > p_after and status <> 'removed' and expires_at is null
    order by external_id limit p_limit
  ) page
$$;

-- list_newer_seen(source, artifact_run) → the `seen` bitmaps of settled runs whose artifact is newer.
create function catalog.list_newer_seen(p_source integer, p_artifact_run bigint) returns setof bytea
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.seen from catalog.runs r
  where r.source_id = p_source and r.seen is not null and r.artifact_run <> p_artifact_run
    and r.finished_at > catalog.load_requested_at(p_source, p_artifact_run, null)
    and catalog.is_newer_artifact(p_source, r.artifact_run, p_artifact_run)
$$;

-- reserve_seqs(source, count) → the first of `p_count` product numbers. An unused number costs one bit in
-- each bitmap.
create function catalog.reserve_seqs(p_source integer, p_count integer) returns integer
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.sources set next_seq = next_seq + p_count where id = p_source returning next_seq - p_count
$$;

-- list_product_ids(source, seqs) → the ids of products with these numbers, in any order.
create function catalog.list_product_ids(p_source integer, p_seqs integer[]) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select external_id from catalog.products where source_id = p_source and seq = any (p_seqs)
$$;

-- list_product_seqs(source, ids) → the numbers of products with these ids, in any order.
create function catalog.list_product_seqs(p_source integer, p_ids text[]) returns setof integer
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select seq from catalog.products where source_id = p_source and external_id = any (p_ids)
$$;

-- save_checkpoint(source, run, token, part, …): replaces the part's checkpoint.
--   age         time since the worker began the part. The first checkpoint states when it was begun
--   atomic      with the rows that the caller wrote in the same transaction
--   errors      see raise_lease_error
create function catalog.save_checkpoint(
  p_source integer, p_run bigint, p_token bigint, p_part integer, p_lines_done bigint, p_bytes_done bigint,
  p_done boolean, p_counts jsonb, p_known bytea, p_staged bytea, p_age interval default '0'
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  insert into catalog.checkpoints
      (source_id, run_id, part_no, lines_done, bytes_done, done, counts, known, staged, began_at)
    values (p_source, p_run, p_part, p_lines_done, p_bytes_done, p_done, p_counts, p_known, p_staged,
      clock_timestamp() - p_age)
    on conflict (source_id, run_id, part_no) do update
      set lines_done = excluded.lines_done, bytes_done = excluded.bytes_done, done = excluded.done,
          counts = excluded.counts, known = excluded.known, staged = excluded.staged,
          saved_at = clock_timestamp();
end $$;

-- list_checkpoints(source, run) → the checkpoints of all parts, in order.
create function catalog.list_checkpoints(p_source integer, p_run bigint) returns setof catalog.checkpoints
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.checkpoints where source_id = p_source and run_id = p_run order by part_no
$$;

-- load_work_done(source, run) → (kind, item): the artifact that the run applies, then its parts and the run's
-- checkpoints, each in order.
create function catalog.load_work_done(p_source integer, p_run bigint) returns table (kind text, item jsonb)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query select s.kind, s.item
  from catalog.runs r
  cross join lateral (
    select 1 as place, 0 as no, 'artifact' as kind, to_jsonb(a) || case
      when catalog.is_expired_artifact(a) then '{"warnings": []}'::jsonb else '{}' end as item
    from catalog.artifacts a where a.source_id = p_source and a.run_id = r.artifact_run
    union all
    select 2, p.no, 'part', to_jsonb(catalog.show_part(p))
    from catalog.parts p where p.source_id = p_source and p.run_id = r.artifact_run
    union all
    select 3, c.part_no, 'checkpoint', to_jsonb(c)
    from catalog.checkpoints c where c.source_id = p_source and c.run_id = p_run
  ) s
  where r.source_id = p_source and r.id = p_run
  order by s.place, s.no;
end $$;

-- find_checkpoint(source, run, part) → the checkpoint; no row before the part's first batch.
create function catalog.find_checkpoint(p_source integer, p_run bigint, p_part integer)
returns setof catalog.checkpoints
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.checkpoints where source_id = p_source and run_id = p_run and part_no = p_part
$$;

-- quarantine_records(source, run, token, artifact_run, part, records) → the numbers of the products that the
-- records name, which count as seen.
--   records     [{line_no, byte_offset, byte_length, external_id, rule, message, raw (base64)}]
--   idempotent  the same line a second time replaces its row and opens it again
--   errors      see raise_lease_error
create function catalog.quarantine_records(
  p_source integer, p_run bigint, p_token bigint, p_artifact_run bigint, p_part integer, p_records jsonb
) returns setof integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  ends timestamptz := catalog.end_licence(p_source, p_artifact_run, p_part);
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  insert into catalog.quarantine (source_id, run_id, artifact_run, part_no, line_no, byte_offset, byte_length,
      external_id, rule, message, raw, expires_at)
    select p_source, p_run, p_artifact_run, p_part, r.line_no, r.byte_offset, r.byte_length,
      r.external_id, r.rule, r.message, decode(r.raw, 'base64'), ends
    from jsonb_to_recordset(p_records) as r (line_no integer, byte_offset bigint, byte_length bigint,
      external_id text, rule text, message text, raw text)
    on conflict (source_id, artifact_run, part_no, line_no) do update
      set run_id = excluded.run_id, rule = excluded.rule, message = excluded.message,
          external_id = excluded.external_id, state = 'open', raw = excluded.raw,
          expires_at = excluded.expires_at;
  return query
    select p.seq from catalog.products p
    where p.source_id = p_source
      and p.external_id in (select r.external_id from jsonb_to_recordset(p_records) as r (external_id text));
end $$;

-- upsert_terms(source, run, token, terms) → rows written: brands, organisations and categories.
--   terms       [{kind (brand, organization or category), external_id, name, parent_id, attributes}]
--   idempotent  a row is written only if it differs, or its licence is renewed
--   errors      see raise_lease_error
create function catalog.upsert_terms(p_source integer, p_run bigint, p_token bigint, p_terms jsonb)
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  written integer;
  ends timestamptz := catalog.end_licence(
    p_source, (select artifact_run from catalog.runs where source_id = p_source and id = p_run), null);
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  with terms as (
    select distinct on (kind, external_id) *
    from jsonb_to_recordset(p_terms)
      as t (kind text, external_id text, name text, parent_id text, attributes jsonb)
    order by kind, external_id
  ), brands as (
    insert into catalog.brands as b (source_id, external_id, name, attributes, changed_at, expires_at)
      select p_source, external_id, name, attributes, now(), ends from terms where kind = 'brand'
      on conflict (source_id, external_id) do update
        set name = excluded.name, attributes = excluded.attributes, expires_at = excluded.expires_at,
            changed_at = case when (b.name, b.attributes) = (excluded.name, excluded.attributes)
              then b.changed_at else excluded.changed_at end
        where (b.name, b.attributes) is distinct from (excluded.name, excluded.attributes)
          or catalog.renews_end(b.expires_at, excluded.expires_at)
      returning 1
  ), organizations as (
    insert into catalog.organizations as o (source_id, external_id, name, attributes, changed_at, expires_at)
      select p_source, external_id, name, attributes, now(), ends from terms where kind = 'organization'
      on conflict (source_id, external_id) do update
        set name = excluded.name, attributes = excluded.attributes, expires_at = excluded.expires_at,
            changed_at = case when (o.name, o.attributes) = (excluded.name, excluded.attributes)
              then o.changed_at else excluded.changed_at end
        where (o.name, o.attributes) is distinct from (excluded.name, excluded.attributes)
          or catalog.renews_end(o.expires_at, excluded.expires_at)
      returning 1
  ), categories as (
    insert into catalog.categories as c
        (source_id, external_id, name, attributes, changed_at, parent_external_id, expires_at)
      select p_source, external_id, name, attributes, now(), parent_id, ends
      from terms where kind = 'category'
      on conflict (source_id, external_id) do update
        set name = excluded.name, attributes = excluded.attributes, expires_at = excluded.expires_at,
            parent_external_id = excluded.parent_external_id,
            changed_at = case when (c.name, c.attributes, c.parent_external_id)
                is not distinct from (excluded.name, excluded.attributes, excluded.parent_external_id)
              then c.changed_at else excluded.changed_at end
        where (c.name, c.attributes, c.parent_external_id)
          is distinct from (excluded.name, excluded.attributes, excluded.parent_external_id)
          or catalog.renews_end(c.expires_at, excluded.expires_at)
      returning 1
  )
  select (select count(*) from brands) + (select count(*) from organizations)
      + (select count(*) from categories)
    into written;
  return written;
end $$;
