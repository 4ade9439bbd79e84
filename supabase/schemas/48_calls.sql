-- Calls: small writes of one product each, for programs that use the Data API or a session. Each call is a
-- run of kind `import` in one transaction, and passes the gates of every other run.

-- default_policy() → the defaults of src/core/policy.ts.
create function catalog.default_policy() returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select '{"removalShare": 0.15, "quarantineShare": 0.01, "priceFactor": 10, "priceShiftShare": 0.25,
    "priceShiftFactor": 1.25, "allowEmpty": false, "storeImages": true, "keepPriceHistory": true,
    "expiresAfterHours": null, "enrich": false}'::jsonb
$$;

-- lock_called_source(name) → the source. Calls for one source wait for each other until their transactions
-- end; other runs of the source do not wait.
--   errors      SQLSTATE PT404, status 404 of the Data API
create function catalog.lock_called_source(p_name text) returns catalog.sources
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  source catalog.sources;
begin
  select * into source from catalog.sources where name = p_name;
  if source.id is null then
    raise exception using errcode = 'PT404', message = format('The source "%s" does not exist', p_name),
      hint = 'List the sources: shelfsync sources. Add one: shelfsync add.';
  end if;
  perform pg_advisory_xact_lock(catalog.call_lock_class(), source.id);
  return source;
end $$;

-- archive_call(source, product, call, arguments) → a new run of kind import, with the call as its artifact:
-- one line, in the key of its only part as a data URL (RFC 2397). The transaction takes the lease of the run,
-- and apply_call releases it.
create function catalog.archive_call(
  p_source integer, p_product text, p_call text, p_arguments jsonb, out run_id bigint, out token bigint
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  run catalog.runs;
  line bytea := convert_to(
    jsonb_build_object('call', p_call, 'arguments', p_arguments)::text || chr(10), 'UTF8');
begin
  run := catalog.insert_run(p_source, 'import', null, null, 0, gen_random_uuid()::text, false,
    jsonb_build_object('call', p_call), array[p_product]);
  run_id := run.id;
  select l.token into token
    from catalog.take_lease(p_source, run.id, 'run', 'call', null, interval '1 minute') l;
  perform catalog.add_part(p_source, run.id, token, 1,
    'data:application/x-ndjson;base64,' || translate(encode(line, 'base64'), chr(10), ''), 'none',
    sha256(line), 1, length(line), length(line), null, interval '0',
    '{"complete": true, "expected": 1, "watermark": null, "warnings": []}');
end $$;

-- stage_draft(draft, hashes, raw): the draft as the only staged record.
create function catalog.stage_draft(
  p_draft jsonb, p_record_hash bytea, p_content_hash bytea, p_raw json
) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.ensure_staging();
  -- The same transaction may make several calls.
  perform catalog.clear_staging();
  perform catalog.stage_records(array[
    left((p_draft || jsonb_build_object('line_no', 1, 'record_hash', p_record_hash,
        'content_hash', p_content_hash))::text, -1)
      || ', "raw": ' || p_raw::text || '}']);
end $$;

-- hash_draft(draft) → hash of everything in the draft but its prices, its time and the end of its licence.
create function catalog.hash_draft(p_draft jsonb) returns bytea
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select substring(sha256(convert_to(
    (p_draft - '{prices,disagreements,source_updated_at,expires_at}'::text[])::text, 'UTF8')) for 16)
$$;

-- reserve_call_seq(source, product) → the number of a new product; that of an existing one is not used.
--   ordering    settle_run publishes changes before it updates the source's row, so the lock of the changes
--               is taken before that of the source here too
create function catalog.reserve_call_seq(p_source integer, p_product text) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from catalog.products where source_id = p_source and external_id = p_product) then
    return 0;
  end if;
  perform catalog.lock_feed();
  return catalog.reserve_seqs(p_source, 1);
end $$;

-- apply_call(source, call, arguments, draft, raw) → one row
--   outcome     created, updated, unchanged, held (written, but a price waits for a decision) or older (the
--               catalogue has a newer record)
--   run         null if nothing was written, because the catalogue has all of this already
--   state       of the run: succeeded, or held with its `reason`
--   reviews     open reviews of the prices that are held
--   p_raw       the supplier's record; null: the one that the product has
--   errors      see refuse_call
create function catalog.apply_call(
  p_source catalog.sources, p_call text, p_arguments jsonb, p_draft jsonb, p_raw jsonb
) returns table (
  product_id uuid, outcome text, run bigint, state text, reason text, reviews bigint[], raw_payload_hash text
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  product text := p_draft ->> 'external_id';
  fault text := catalog.find_draft_fault(p_draft);
  policy jsonb := catalog.default_policy() || p_source.policy;
  before jsonb := catalog.load_draft(p_source.id, product);
  record_hash bytea := substring(sha256(convert_to(p_arguments::text, 'UTF8')) for 16);
  content_hash bytea := catalog.hash_draft(p_draft);
  stored catalog.products;
  started record;
  batch record;
  settled record;
begin
  if fault is not null then
    perform catalog.refuse_call(fault, 'Nothing was written. Correct the argument and repeat the call.');
  end if;
  select * into stored from catalog.products where source_id = p_source.id and external_id = product;
  if stored.status <> 'removed' and (
      p_raw is null and before = p_draft
      or p_raw is not null and stored.record_hash = record_hash and stored.content_hash = content_hash
        -- The same statement renews the licence.
        and stored.expires_at is null) then
    return query select md5(p_source.id::text || ' ' || product)::uuid, 'unchanged', null::bigint, null::text,
      null::text, catalog.list_price_reviews(p_source.id, product), encode(stored.record_hash, 'hex');
    return;
  end if;
  -- A product that a connector wrote has the hash of other bytes.
  if catalog.hash_draft(before) = content_hash and p_raw is null then
    content_hash := stored.content_hash;
  end if;
  select * into started from catalog.archive_call(p_source.id, product, p_call, p_arguments);
  perform catalog.stage_draft(p_draft, record_hash, content_hash, coalesce(p_raw::json,
    case when stored.expires_at <= now() then null else stored.raw end, '{}'));
  select * into batch from catalog.apply_batch(p_source.id, started.run_id, started.token, started.run_id, 1,
    catalog.reserve_call_seq(p_source.id, product), 0, '{}', (policy ->> 'priceFactor')::numeric, null,
    false);
  insert into catalog.checkpoints
      (source_id, run_id, part_no, lines_done, bytes_done, done, counts, known, staged)
    values (p_source.id, started.run_id, 1, 1, 0, true, to_jsonb(batch) - 'seqs' - 'next_seq', '', '');
  select * into settled from catalog.settle_run(p_source.id, started.run_id, started.token,
    catalog.to_bitmap(batch.seqs), 0, policy);
  perform catalog.release_task(p_source.id, started.run_id, started.token);
  return query select md5(p_source.id::text || ' ' || product)::uuid, (
      select key from jsonb_each(to_jsonb(batch) - 'seqs' - 'next_seq') where value = '1'),
    started.run_id, settled.state, settled.reason, catalog.list_price_reviews(p_source.id, product),
    encode(record_hash, 'hex');
end $$;

-- to_bitmap(seqs) → a bitmap with the bit of the product whose number is in `seqs`; empty without one.
create function catalog.to_bitmap(p_seqs bytea) returns bytea
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when length(p_seqs) = 0 then ''::bytea
    else set_bit(decode(repeat('00', n / 8 + 1), 'hex'), n, 1) end
  from (select ('x' || encode(substring(p_seqs for 4), 'hex'))::bit(32)::integer as n) seq
$$;

-- list_price_reviews(source, product) → the open reviews of the product's prices.
create function catalog.list_price_reviews(p_source integer, p_product text) returns bigint[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select id from catalog.reviews
    where source_id = p_source and state = 'open' and kind in ('price', 'disagreement')
      and product_external_id = p_product order by id)
$$;
