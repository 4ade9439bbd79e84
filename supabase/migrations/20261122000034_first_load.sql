-- Generated from supabase/schemas/34_first_load.sql until the first release: do not edit.

-- The first load: while a source has no products, staged lines are inserted without being compared with the
-- catalogue. Only lines of products that exist by then are judged as in every other run.

-- load_products(source, artifact_run, part, normaliser_version, seq_from) → the first number that is still
-- free: inserts the best staged line of each product that does not exist yet, with the verdict created. The
-- other lines keep no verdict.
create function catalog.load_products(
  p_source integer, p_artifact_run bigint, p_part integer, p_normaliser_version integer, p_seq_from integer
) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  requested timestamptz := catalog.load_requested_at(p_source, p_artifact_run, p_part);
  staged integer;
begin
  with ranked as (
    select ctid as place,
      row_number() over (
        partition by external_id order by source_updated_at desc nulls last, line_no desc) as rank,
      p_seq_from - 1 + row_number() over (
        order by external_id, source_updated_at desc nulls last, line_no desc) as seq
    from pg_temp.staged_products
  ), written as (
    insert into catalog.products (
      source_id, external_id, seq, status, title, description, brand, manufacturer, url, identifiers,
      attributes, successor, source_updated_at, first_seen_at, changed_at, last_available_at, expires_at,
      refreshed_at, run_id, part_no, line_no, normaliser_version, record_hash, content_hash, warnings,
      provenance, raw)
    select p_source, s.external_id, n.seq, s.status, s.title, s.description, s.brand, s.manufacturer, s.url,
      s.identifiers, s.attributes, s.successor, s.source_updated_at, now(), now(), null, s.expires_at,
      requested, p_artifact_run, p_part, s.line_no, p_normaliser_version, s.record_hash, s.content_hash,
      s.warnings, s.provenance, s.raw
    from ranked n join pg_temp.staged_products s on s.ctid = n.place
    where n.rank = 1
    order by n.seq
    on conflict do nothing
    returning line_no, external_id, seq
  )
  insert into pg_temp.verdicts (line_no, external_id, seq, verdict)
    select line_no, external_id, seq, 'created' from written;
  select count(*) into staged from pg_temp.staged_products;
  return p_seq_from + staged;
end $$;

-- load_batch(source, artifact_run, part, normaliser_version, seq_from) → as load_products; the verdicts of
-- the created products are complete.
--   errors      db/unsuitable, see assert_own_table
create function catalog.load_batch(
  p_source integer, p_artifact_run bigint, p_part integer, p_normaliser_version integer, p_seq_from integer
) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  free_seq integer;
begin
  perform catalog.assert_own_table('staged_products');
  perform catalog.correct_source_times(p_source, p_artifact_run, p_part);
  perform catalog.limit_licences(p_source, p_artifact_run, p_part);
  free_seq := catalog.load_products(p_source, p_artifact_run, p_part, p_normaliser_version, p_seq_from);
  perform catalog.judge_first_prices();
  perform catalog.judge_disagreements(p_source);
  return free_seq;
end $$;
