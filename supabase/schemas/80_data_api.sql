-- The pipeline over Supabase's Data API, without a session: each call is a transaction. Schema `pipeline`
-- has a function of the same name for each one that may be called. It is separate from schema `api`, because
-- Supabase's documentation advises users to grant `anon` all functions of a schema for readers:
-- https://supabase.com/docs/guides/api/using-custom-schemas

create schema pipeline;
comment on schema pipeline is
  'Shelfsync: calls of the pipeline over the Data API, for secret keys only. Readers use schema api.';

-- Roles that may do the pipeline's work over the Data API.
create table catalog.data_api_roles (
  role               name primary key
);

-- assert_data_api_role(): refuses a caller that `allow_data_api` has not admitted.
--   errors      see assert_admitted
create function catalog.assert_data_api_role() returns void
language sql stable set search_path = pg_catalog, pg_temp as $$
  select catalog.assert_admitted('pipeline', array(select role from catalog.data_api_roles),
    'do the pipeline''s work', 'select catalog.allow_data_api(%L)')
$$;

-- stage_records(records): fills the staging tables.
--   records     JSON documents as text, so that one that Postgres cannot store fails here, where it can be
--               found
--   errors      SQLSTATE of the value that Postgres refuses
create function catalog.stage_records(p_records text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  docs json[] := array(select record::json from unnest(p_records) record);
begin
  insert into pg_temp.staged_products (line_no, external_id, status, title, description, brand, manufacturer,
      url, identifiers, attributes, successor, source_updated_at, expires_at, record_hash, content_hash,
      warnings, provenance, disagreements, raw)
    select r.* from unnest(docs) doc
    cross join lateral json_to_record(doc) as r (line_no integer, external_id text, status text, title text,
      description text, brand text, manufacturer text, url text, identifiers jsonb, attributes jsonb,
      successor text, source_updated_at timestamptz, expires_at timestamptz, record_hash bytea,
      content_hash bytea, warnings jsonb, provenance jsonb, disagreements jsonb, raw json);
  insert into pg_temp.staged_variants (line_no, external_id, position, title, sku, gtin, options,
      weight_grams, pack_count, availability)
    select (doc ->> 'line_no')::integer, r.* from unnest(docs) doc
    cross join lateral json_to_recordset(doc -> 'variants') as r (external_id text, position integer,
      title text, sku text, gtin text, options jsonb, weight_grams double precision, pack_count integer,
      availability text);
  insert into pg_temp.staged_prices
      (line_no, variant_external_id, price_type, amount_minor, currency, compare_at_minor)
    select (doc ->> 'line_no')::integer, r.* from unnest(docs) doc
    cross join lateral json_to_recordset(doc -> 'prices') as r (variant_external_id text, price_type text,
      amount_minor bigint, currency text, compare_at_minor bigint);
  insert into pg_temp.staged_images (line_no, position, url, alt)
    select (doc ->> 'line_no')::integer, r.* from unnest(docs) doc
    cross join lateral json_to_recordset(doc -> 'images') as r (position integer, url text, alt text);
end $$;

-- ensure_staging(): the staging tables exist afterwards. The Data API's sessions are shared and long-lived,
-- so they may exist already; they are used only if they are our own.
--   errors      SQLSTATE 42P07 (duplicate_table) if another role has created tables of these names
create function catalog.ensure_staging() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if not catalog.is_own_table('staged_products') then
    perform catalog.open_staging();
  end if;
end $$;

-- merge_records(run, token, part, seq_from, records, …) → (counts, seqs, next_seq), as apply_batch. Stages
-- the records and applies them.
create function catalog.merge_records(
  p_run catalog.runs, p_token bigint, p_part integer, p_seq_from integer, p_records text[], p_volatile text[],
  p_price_factor numeric, p_seen_later bytea
) returns table (counts jsonb, seqs bytea, next_seq integer)
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.stage_records(p_records);
  return query
    select to_jsonb(b) - 'seqs' - 'next_seq', b.seqs, b.next_seq
    from catalog.apply_batch(p_run.source_id, p_run.id, p_token, p_run.artifact_run, p_part, p_seq_from,
      p_run.normaliser_version, p_volatile, p_price_factor, p_seen_later, p_run.first_load) b;
end $$;

-- lock_checkpoint(source, run, part, lines_before, lines_done, known, staged) → the part's checkpoint if the
-- batch that ends at `p_lines_done` has been applied before; null if the batch is to be applied now.
--   ordering    the row exists and is locked afterwards, so that calls for one part wait for each other
--   errors      db/busy  the batch belongs to another place in the part
create function catalog.lock_checkpoint(
  p_source integer, p_run bigint, p_part integer, p_lines_before bigint, p_lines_done bigint, p_known bytea,
  p_staged bytea
) returns catalog.checkpoints
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  stored catalog.checkpoints;
begin
  insert into catalog.checkpoints
      (source_id, run_id, part_no, lines_done, bytes_done, done, counts, known, staged)
    values (p_source, p_run, p_part, 0, 0, false, '{}', p_known, p_staged) on conflict do nothing;
  select * into stored
    from catalog.checkpoints where source_id = p_source and run_id = p_run and part_no = p_part for update;
  if stored.lines_done = p_lines_before then
    return null;
  elsif stored.lines_done <> p_lines_done then
    perform catalog.fail('db/busy',
      format('Part %s of run %s is at line %s, not %s', p_part, p_run, stored.lines_done,
        p_lines_before));
  end if;
  return stored;
end $$;

-- merge_accepted(run, …) → (counts, seqs, next_seq) of all records. Halves what Postgres refuses until it has
-- found the records, with about 2 log n attempts for one among n.
--   errors      record/invalid  with {refused: [{record, why}]} as detail, `record` counted from 1; nothing
--               is written
create function catalog.merge_accepted(
  p_run catalog.runs, p_token bigint, p_part integer, p_seq_from integer, p_records text[], p_volatile text[],
  p_price_factor numeric, p_seen_later bytea, out counts jsonb, out seqs bytea, out next_seq integer
) language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  piece record;
  refused jsonb := '[]';
  -- Ranges of records that are still to be merged: their first and last positions.
  lows integer[] := array[1];
  highs integer[] := array[cardinality(p_records)];
  low integer;
  high integer;
  middle integer;
begin
  counts := '{}';
  seqs := '';
  next_seq := p_seq_from;
  perform catalog.ensure_staging();
  while cardinality(lows) > 0 loop
    low := lows[1];
    high := highs[1];
    lows := lows[2:];
    highs := highs[2:];
    begin
      if high - low + 1 < cardinality(p_records) then
        perform catalog.clear_staging();
      end if;
      select * into piece from catalog.merge_records(p_run, p_token, p_part, next_seq, p_records[low:high],
        p_volatile, p_price_factor, p_seen_later);
      counts := catalog.add_counts(counts, piece.counts);
      seqs := seqs || piece.seqs;
      next_seq := piece.next_seq;
    -- RECORD_STATES in src/db/errors.ts.
    exception when string_data_right_truncation or numeric_value_out_of_range or invalid_datetime_format
      or datetime_field_overflow or character_not_in_repertoire or invalid_text_representation
      or untranslatable_character or not_null_violation or unique_violation or check_violation
      or program_limit_exceeded or statement_too_complex then
      if low = high then
        refused := refused || jsonb_build_object('record', low, 'why', sqlerrm);
      else
        middle := (low + high) / 2;
        lows := array[low, middle + 1] || lows;
        highs := array[middle, high] || highs;
      end if;
    end;
  end loop;
  if refused <> '[]' then
    raise exception using errcode = 'SHELF', hint = 'record/invalid',
      detail = jsonb_build_object('refused', refused)::text,
      message = format('Postgres cannot store %s of %s', jsonb_array_length(refused),
        catalog.format_quantity(cardinality(p_records), 'record'));
  end if;
end $$;

-- write_batch(…) → (counts, seqs, next_seq): the checkpoint's counts, the numbers of the products in the
-- batch, and the first number that is still free.
--   atomic      rows, prices, changes, quarantine and the checkpoint, or nothing
--   idempotent  A batch belongs to the place in its part where the checkpoint stood before it
--               (`p_lines_before`). Sent again, it writes nothing and returns the first result
--   p_counts    the part's outcomes before this batch. Null: the records were counted earlier, and the
--               checkpoint stays as it is
--   p_age       see save_checkpoint
--   errors      record/invalid (see merge_accepted: the sender quarantines the records and sends the rest
--               again) · db/busy (see lock_checkpoint: the sender reads the checkpoint again) · see
--               raise_lease_error
create function catalog.write_batch(
  p_source integer, p_run bigint, p_token bigint, p_part integer, p_lines_before bigint, p_lines_done bigint,
  p_bytes_done bigint, p_done boolean, p_counts jsonb, p_known bytea, p_staged bytea, p_records text[],
  p_quarantined jsonb, p_seq_from integer, p_volatile text[], p_price_factor numeric, p_seen_later bytea,
  p_age interval default '0'
) returns table (counts jsonb, seqs bytea, next_seq integer)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  run catalog.runs;
  repeated catalog.checkpoints;
  merged record;
  total jsonb := coalesce(p_counts, '{}');
  named bytea := '';
  free_seq integer := p_seq_from;
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  select * into run from catalog.runs where source_id = p_source and id = p_run;
  if p_counts is not null then
    repeated := catalog.lock_checkpoint(p_source, p_run, p_part, p_lines_before, p_lines_done, p_known,
      p_staged);
    if repeated.run_id is not null then
      return query select repeated.counts, repeated.last_staged, p_seq_from + cardinality(p_records);
      return;
    end if;
  end if;
  if cardinality(p_records) > 0 then
    select * into merged from catalog.merge_accepted(run, p_token, p_part, p_seq_from, p_records, p_volatile,
      p_price_factor, p_seen_later);
    total := catalog.add_counts(total, merged.counts);
    named := merged.seqs;
    free_seq := merged.next_seq;
  end if;
  if jsonb_array_length(p_quarantined) > 0 then
    named := named || coalesce((
      select string_agg(int4send(seq), ''::bytea)
      from catalog.quarantine_records(p_source, p_run, p_token, run.artifact_run, p_part,
        p_quarantined) seq), '');
    total := catalog.add_counts(total, (
      select jsonb_build_object('quarantined', count(*),
        'unreadable', count(*) filter (where q ->> 'external_id' is null))
      from jsonb_array_elements(p_quarantined) q));
  end if;
  if p_counts is not null then
    update catalog.checkpoints
      set lines_done = p_lines_done, bytes_done = p_bytes_done, done = p_done, counts = total,
          known = p_known, staged = p_staged, last_staged = named, saved_at = clock_timestamp(),
          began_at = case when p_lines_before = 0 then clock_timestamp() - p_age else began_at end
      where source_id = p_source and run_id = p_run and part_no = p_part;
  end if;
  return query select total, named, free_seq;
end $$;

-- expose_function(name): creates or replaces `pipeline.<name>`, which takes the arguments of `catalog.<name>`
-- and returns its rows as one JSON array. A migration that changes the function repeats the call. PostgREST
-- applies the timeout to the whole request instead of its role's eight seconds:
-- https://docs.postgrest.org/en/stable/references/transactions.html#function-settings
create function catalog.expose_function(p_name text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  parameters text;
  arguments text;
  reader text;
begin
  select pg_get_function_arguments(p.oid),
      (select string_agg(format('%1$I => %1$I', a), ', ') from unnest(p.proargnames[1:p.pronargs]) a)
    into strict parameters, arguments
    from pg_catalog.pg_proc p where p.pronamespace = 'catalog'::regnamespace and p.proname = p_name;
  execute format($f$
    create or replace function pipeline.%1$I(%2$s) returns jsonb
    language sql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s'
    as 'select catalog.assert_data_api_role();
      select coalesce(jsonb_agg(f), ''[]'') from catalog.%1$I(%3$s) f'
  $f$, p_name, parameters, arguments);
  execute format('revoke execute on function pipeline.%I from public', p_name);
  -- A Supabase project grants these roles everything that is created, by default.
  for reader in select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated') loop
    execute format('revoke execute on function pipeline.%I from %I', p_name, reader);
  end loop;
end $$;

-- allow_data_api(role): admits a role of the Data API to the functions of schema `pipeline`. A migration that
-- exposes another function repeats the call.
create function catalog.allow_data_api(worker text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  execute format('grant usage on schema pipeline to %I', worker);
  execute format('grant execute on all functions in schema pipeline to %I', worker);
  insert into catalog.data_api_roles (role) values (worker) on conflict do nothing;
end $$;
