-- Generated from supabase/schemas/30_records.sql until the first release: do not edit.

-- Records of a run: the hashes that are known already, the numbers of products, the checkpoints, the quarantine, and the
-- brands, organisations and categories.

-- list_known_records(…): hash and number of every product that a record with the same hash would leave as it is.
create function catalog.list_known_records(p_source integer) returns table (seq integer, record_hash bytea)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select seq, record_hash from catalog.products where source_id = p_source and status <> 'removed'
$$;

-- list_known_records_page(…): a page of list_known_records, in the order of their ids, beginning after `p_after`: one row of 20 bytes a product (seq as big-endian
-- int4, record hash), because the Data API cuts an answer at a thousand rows. `last` is null when nothing follows.
create function catalog.list_known_records_page(p_source integer, p_after text, p_limit integer) returns table (last text, records bytea)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select max(external_id), coalesce(string_agg(int4send(seq) || record_hash, ''::bytea), '')
  from (select external_id, seq, record_hash from catalog.products
        where source_id = p_source and external_id > p_after and status <> 'removed' order by external_id limit p_limit) page
$$;

-- list_newer_seen(…): the bitmaps of the settled runs whose artifact is younger than that of `p_artifact_run`.
create function catalog.list_newer_seen(p_source integer, p_artifact_run bigint) returns setof bytea
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select seen from catalog.runs where source_id = p_source and artifact_run > p_artifact_run and seen is not null
$$;

-- reserve_seqs(…): `p_count` product numbers; those not used are gaps that cost a bit each.
create function catalog.reserve_seqs(p_source integer, p_count integer) returns integer
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.sources set next_seq = next_seq + p_count where id = p_source returning next_seq - p_count
$$;

-- list_product_ids(…): the ids behind product numbers.
create function catalog.list_product_ids(p_source integer, p_seqs integer[]) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select external_id from catalog.products where source_id = p_source and seq = any (p_seqs)
$$;

-- list_product_seqs(…): the numbers behind ids.
create function catalog.list_product_seqs(p_source integer, p_ids text[]) returns setof integer
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select seq from catalog.products where source_id = p_source and external_id = any (p_ids)
$$;

create function catalog.save_checkpoint(
  p_source integer, p_run bigint, p_token bigint, p_part integer, p_lines_done bigint, p_bytes_done bigint, p_done boolean,
  p_counts jsonb, p_known bytea, p_staged bytea
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  insert into catalog.checkpoints (source_id, run_id, part_no, lines_done, bytes_done, done, counts, known, staged)
    values (p_source, p_run, p_part, p_lines_done, p_bytes_done, p_done, p_counts, p_known, p_staged)
    on conflict (source_id, run_id, part_no) do update
      set lines_done = excluded.lines_done, bytes_done = excluded.bytes_done, done = excluded.done,
          counts = excluded.counts, known = excluded.known, staged = excluded.staged;
end $$;

create function catalog.list_checkpoints(p_source integer, p_run bigint) returns setof catalog.checkpoints
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.checkpoints where source_id = p_source and run_id = p_run order by part_no
$$;

create function catalog.find_checkpoint(p_source integer, p_run bigint, p_part integer) returns setof catalog.checkpoints
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.checkpoints where source_id = p_source and run_id = p_run and part_no = p_part
$$;

-- quarantine_records(…) → the numbers of the products that these records name, so that they count as seen.
--   p_records   [{line_no, byte_offset, byte_length, external_id, rule, message, raw (base64)}]
create function catalog.quarantine_records(p_source integer, p_run bigint, p_token bigint, p_artifact_run bigint, p_part integer, p_records jsonb)
returns setof integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  insert into catalog.quarantine (source_id, run_id, artifact_run, part_no, line_no, byte_offset, byte_length, external_id, rule, message, raw)
    select p_source, p_run, p_artifact_run, p_part, r.line_no, r.byte_offset, r.byte_length, r.external_id, r.rule, r.message, decode(r.raw, 'base64')
    from jsonb_to_recordset(p_records) as r (line_no integer, byte_offset bigint, byte_length bigint, external_id text, rule text, message text, raw text)
    on conflict (source_id, artifact_run, part_no, line_no) do update
      set run_id = excluded.run_id, rule = excluded.rule, message = excluded.message, external_id = excluded.external_id, state = 'open';
  return query
    select p.seq from catalog.products p
    where p.source_id = p_source
      and p.external_id in (select r.external_id from jsonb_to_recordset(p_records) as r (external_id text));
end $$;

-- upsert_terms(…): brands, organisations and categories that the records mention; a row is written only when it differs.
create function catalog.upsert_terms(p_source integer, p_run bigint, p_token bigint, p_terms jsonb) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  written integer := 0;
  touched integer;
  target text;
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  foreach target in array array['brand', 'organization', 'category'] loop
    execute format($sql$
      insert into catalog.%1$I (source_id, external_id, name, attributes, changed_at %2$s)
      select distinct on (t.external_id) $1, t.external_id, t.name, t.attributes, now() %3$s
      from jsonb_to_recordset($2) as t (kind text, external_id text, name text, parent_id text, attributes jsonb)
      where t.kind = $3 order by t.external_id
      on conflict (source_id, external_id) do update set name = excluded.name, attributes = excluded.attributes, changed_at = excluded.changed_at %4$s
      where (%1$I.name, %1$I.attributes %5$s) is distinct from (excluded.name, excluded.attributes %6$s)
    $sql$,
      case target when 'brand' then 'brands' when 'organization' then 'organizations' else 'categories' end,
      case target when 'category' then ', parent_external_id' else '' end,
      case target when 'category' then ', t.parent_id' else '' end,
      case target when 'category' then ', parent_external_id = excluded.parent_external_id' else '' end,
      case target when 'category' then ', categories.parent_external_id' else '' end,
      case target when 'category' then ', excluded.parent_external_id' else '' end)
    using p_source, p_terms, target;
    get diagnostics touched = row_count;
    written := written + touched;
  end loop;
  return written;
end $$;
