-- apply_batch: merges the staging tables into the catalogue, in one transaction with the batch's checkpoint.
-- The functions that write take the verdicts of judge_batch; rows are taken in the order of their ids, so
-- that lanes cannot deadlock.

-- create_products(source, artifact_run, part, normaliser_version, seq_from) → (created, lost): inserts the
-- products with the verdict created, numbered from `p_seq_from`.
--   lost        products that another lane created meanwhile; their verdicts are deleted, to be judged again
create function catalog.create_products(
  p_source integer, p_artifact_run bigint, p_part integer, p_normaliser_version integer, p_seq_from integer,
  out created integer, out lost integer
) language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
  requested timestamptz := catalog.load_requested_at(p_source, p_artifact_run, p_part);
begin
  with numbered as (
    select line_no, p_seq_from - 1 + row_number() over (order by line_no) as seq
    from pg_temp.verdicts where verdict = 'created' and seq is null
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
    from numbered n join pg_temp.staged_products s on s.line_no = n.line_no
    order by s.external_id
    on conflict do nothing
    returning line_no, seq
  )
  update pg_temp.verdicts j set seq = w.seq from written w where w.line_no = j.line_no;
  get diagnostics created = row_count;
  delete from pg_temp.verdicts where verdict = 'created' and seq is null;
  get diagnostics lost = row_count;
end $$;

-- record_changes(source, run): one row of `changes` for each product, with the changes of all batches of the
-- run: see merge_details and merge_kinds.
create function catalog.record_changes(p_source integer, p_run bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  insert into catalog.changes (source_id, run_id, product_external_id, kind, detail, expires_at)
    select p_source, p_run, c.external_id, c.kind,
      case c.kind when 'created' then '{}'
        else c.detail - '{description, description_md, description_text}'::text[] end, c.expires_at
    from catalog.list_staged_changes(p_source) c
    on conflict (source_id, run_id, product_external_id, review_id) do update
      set kind = catalog.merge_kinds(changes.kind, excluded.kind),
          detail = catalog.merge_details(changes.detail, excluded.detail, array(
            select format('price:%s:%s', q.variant_external_id, q.price_type)
            from pg_temp.price_verdicts q
            where q.external_id = excluded.product_external_id and q.state = 'kept')),
          expires_at = least(changes.expires_at, excluded.expires_at)
      where changes.kind <> 'created';
end $$;

-- update_products(source, artifact_run, part, normaliser_version): writes the products with the verdict
-- updated. A row that a newer artifact wrote keeps its place, its source time, its end of the licence and its
-- removal.
create function catalog.update_products(
  p_source integer, p_artifact_run bigint, p_part integer, p_normaliser_version integer
) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
  requested timestamptz := catalog.load_requested_at(p_source, p_artifact_run, p_part);
begin
  update catalog.products p
    set title = s.title, description = s.description, brand = s.brand, manufacturer = s.manufacturer,
        url = s.url, identifiers = s.identifiers, attributes = s.attributes, successor = s.successor,
        successor_source = null,
        changed_at = now(), purged_at = null, refreshed_at = requested,
        expires_at = case when j.is_older then coalesce(p.expires_at, s.expires_at) else s.expires_at end,
        normaliser_version = p_normaliser_version,
        record_hash = s.record_hash, content_hash = s.content_hash, warnings = s.warnings,
        provenance = s.provenance, raw = s.raw,
        status = case when p.status = 'removed' and j.is_older then p.status else s.status end,
        last_available_at = case when s.status = 'active' then null when p.status = 'active' then now()
                                 else p.last_available_at end,
        source_updated_at = case when j.is_older then p.source_updated_at
                                 else s.source_updated_at end,
        run_id = case when j.is_older then p.run_id else p_artifact_run end,
        part_no = case when j.is_older then p.part_no else p_part end,
        line_no = case when j.is_older then p.line_no else s.line_no end
    from pg_temp.verdicts j join pg_temp.staged_products s on s.line_no = j.line_no
    where j.verdict = 'updated' and p.source_id = p_source and p.external_id = j.external_id;
end $$;

-- write_variants(source): variants of created and updated products. One that the product no longer lists is
-- marked as removed.
create function catalog.write_variants(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into catalog.variants as v (source_id, product_external_id, external_id, position, title, sku, gtin,
      options, weight_grams, pack_count, availability)
    select p_source, j.external_id, n.external_id, n.position, n.title, n.sku, n.gtin, n.options,
      n.weight_grams::numeric, n.pack_count, n.availability
    from pg_temp.verdicts j join pg_temp.staged_variants n on n.line_no = j.line_no
    where j.verdict in ('created', 'updated')
    order by j.external_id, n.external_id
    on conflict (source_id, product_external_id, external_id) do update
      set position = excluded.position, title = excluded.title, sku = excluded.sku, gtin = excluded.gtin,
          options = excluded.options, weight_grams = excluded.weight_grams, pack_count = excluded.pack_count,
          availability = excluded.availability, removed_at = null
      where (v.position, v.title, v.sku, v.gtin, v.options, v.weight_grams, v.pack_count, v.availability,
          v.removed_at)
        is distinct from (excluded.position, excluded.title, excluded.sku, excluded.gtin, excluded.options,
          excluded.weight_grams, excluded.pack_count, excluded.availability, null);
  update catalog.variants v set removed_at = now()
    from pg_temp.verdicts j
    where j.verdict = 'updated' and v.source_id = p_source and v.product_external_id = j.external_id
      and v.removed_at is null and not exists (
        select from pg_temp.staged_variants n where n.line_no = j.line_no and n.external_id = v.external_id);
end $$;

-- write_images(source): images of created and updated products, by position. An image with another address
-- has to be stored again; one that the product no longer lists is deleted.
create function catalog.write_images(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into catalog.images as i (source_id, product_external_id, position, url, alt)
    select p_source, j.external_id, n.position, n.url, n.alt
    from pg_temp.verdicts j join pg_temp.staged_images n on n.line_no = j.line_no
    where j.verdict in ('created', 'updated')
    order by j.external_id, n.position
    on conflict (source_id, product_external_id, position) do update
      set url = excluded.url, alt = excluded.alt,
        sha256 = case when i.url = excluded.url then i.sha256 end,
        cdn_url = case when i.url = excluded.url then i.cdn_url end,
        address_id = case when i.url = excluded.url then i.address_id end,
        state = case when i.url = excluded.url then i.state else 'new' end
      where (i.url, i.alt) is distinct from (excluded.url, excluded.alt);
  delete from catalog.images i
    using pg_temp.verdicts j
    where j.verdict = 'updated' and i.source_id = p_source and i.product_external_id = j.external_id
      and not exists (
        select from pg_temp.staged_images n where n.line_no = j.line_no and n.position = i.position);
end $$;

-- write_first_prices(source, run, part): prices of created products, current at once; a price of zero is
-- held.
create function catalog.write_first_prices(p_source integer, p_run bigint, p_part integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id,
      amount_minor, currency, compare_at_minor, state, observed_at, part_no, line_no)
    select p_source, j.external_id, n.variant_external_id, n.price_type, p_run, n.amount_minor, n.currency,
      n.compare_at_minor, case n.amount_minor when 0 then 'held' else 'current' end, now(), p_part, n.line_no
    from pg_temp.verdicts j join pg_temp.staged_prices n on n.line_no = j.line_no
    where j.verdict = 'created' and n.amount_minor is not null
    order by j.external_id, n.variant_external_id, n.price_type
    on conflict do nothing;
end $$;

-- correct_first_prices(source, run): lets a price pass without a gate if the current price was written by
-- this run, from a record that a better one of the same artifact replaces: it is a first price too.
create function catalog.correct_first_prices(p_source integer, p_run bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  update pg_temp.price_verdicts q
    set state = case q.amount_minor when 0 then 'held' else 'current' end,
        reason = case q.amount_minor when 0 then 'the price is zero' end
    from catalog.prices c
    where c.source_id = p_source and c.product_external_id = q.external_id
      and c.variant_external_id = q.variant_external_id and c.price_type = q.price_type and c.run_id = p_run
      and c.state = 'current' and q.state in ('pending', 'held');
  if found then
    update pg_temp.verdicts j
      set held = exists (
        select from pg_temp.price_verdicts q where q.line_no = j.line_no and q.state = 'held')
      where j.reprices;
  end if;
end $$;

-- write_changed_prices(source, run, part): prices with a verdict. They supersede the prices and reviews that
-- waited; those that failed a gate, and those in disagreement, get a review.
--   ordering    locks a review before its price, as decide_review does
create function catalog.write_changed_prices(p_source integer, p_run bigint, p_part integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  update catalog.reviews r set state = 'superseded', decided_at = now()
    from pg_temp.price_verdicts q
    where r.source_id = p_source and r.state = 'open' and r.kind in ('price', 'disagreement')
      and r.product_external_id = q.external_id and r.variant_external_id = q.variant_external_id
      and r.price_type = q.price_type;
  update catalog.prices w set state = 'superseded'
    from pg_temp.price_verdicts q
    where w.source_id = p_source and w.product_external_id = q.external_id
      and w.variant_external_id = q.variant_external_id and w.price_type = q.price_type
      and w.state in ('pending', 'held') and (w.run_id <> p_run or q.state in ('kept', 'disputed'));
  if not catalog.keeps_price_history(p_source) then
    delete from catalog.prices w using pg_temp.price_verdicts q
      where w.source_id = p_source and w.product_external_id = q.external_id
        and w.variant_external_id = q.variant_external_id and w.price_type = q.price_type
        and w.state in ('past', 'superseded');
  end if;
  insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id,
      amount_minor, currency, compare_at_minor, state, observed_at, part_no, line_no)
    select p_source, q.external_id, q.variant_external_id, q.price_type, p_run, q.amount_minor, q.currency,
      q.compare_at_minor, q.state, now(), p_part, q.line_no
    from pg_temp.price_verdicts q
    where q.state not in ('kept', 'disputed')
    on conflict (source_id, product_external_id, variant_external_id, price_type, run_id) do update
      set amount_minor = excluded.amount_minor, currency = excluded.currency,
          compare_at_minor = excluded.compare_at_minor, state = excluded.state,
          observed_at = excluded.observed_at, part_no = excluded.part_no, line_no = excluded.line_no,
          stated = null
      where prices.state in ('pending', 'held', 'superseded', 'current');
  insert into catalog.reviews
      (source_id, kind, run_id, product_external_id, variant_external_id, price_type, reason, detail)
    select p_source, case q.state when 'held' then 'price' else 'disagreement' end, p_run, q.external_id,
      q.variant_external_id, q.price_type, q.reason,
      jsonb_build_object('from', q.last_good, 'to', q.amount_minor, 'currency', q.currency)
        || case q.state when 'held' then '{}' else jsonb_build_object('claims', q.claims) end
    from pg_temp.price_verdicts q
    where q.state in ('held', 'disputed');
end $$;

-- apply_batch(…) → (created, updated, unchanged, older, duplicate, held, seqs, next_seq)
--   atomic      rows, prices and changes, or nothing; the caller saves its checkpoint in the same transaction
--   idempotent  the same batch a second time writes no row
--   ordering    an older record never overwrites a newer one, see judge_products
--   p_first_load   writes no changes: settle publishes the load as a whole
--   held        records with a held price; they count as neither created nor updated
--   seqs        numbers of all products in the batch, as big-endian int4: the run has seen them
--   next_seq    first number from `p_seq_from` on that is still free; a round takes at most one for each
--               staged line
--   errors      see raise_lease_error and assert_own_table
create function catalog.apply_batch(
  p_source integer, p_run bigint, p_token bigint, p_artifact_run bigint, p_part integer, p_seq_from integer,
  p_normaliser_version integer, p_volatile text[], p_price_factor numeric, p_seen_later bytea,
  p_first_load boolean
) returns table (
  created integer, updated integer, unchanged integer, older integer, duplicate integer, held integer,
  seqs bytea,
  next_seq integer
)
language plpgsql security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set jit = off set work_mem = '32MB' as $$
#variable_conflict use_column
declare
  free_seq integer := p_seq_from;
  result record;
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  if p_first_load then
    free_seq := catalog.load_batch(p_source, p_artifact_run, p_part, p_normaliser_version, free_seq);
  end if;
  if exists (
      select from pg_temp.staged_products s
      where not exists (select from pg_temp.verdicts j where j.line_no = s.line_no)) then
    loop
      perform catalog.judge_batch(
        p_source, p_artifact_run, p_part, p_seen_later, p_volatile, p_price_factor);
      select * into result
        from catalog.create_products(p_source, p_artifact_run, p_part, p_normaliser_version, free_seq);
      free_seq := free_seq + result.created + result.lost;
      exit when result.lost = 0;
    end loop;
    if not p_first_load then
      perform catalog.record_changes(p_source, p_run);
      perform catalog.record_refusals(p_source, p_run);
    end if;
    perform catalog.limit_earlier_prices(p_source);
    perform catalog.update_products(p_source, p_artifact_run, p_part, p_normaliser_version);
    perform catalog.update_source_times(p_source, p_artifact_run, p_part, p_seen_later);
    perform catalog.mark_seen(p_source, p_run, p_artifact_run, p_part);
  end if;
  perform catalog.write_variants(p_source);
  perform catalog.write_images(p_source);
  perform catalog.write_first_prices(p_source, p_run, p_part);
  if exists (select from pg_temp.price_verdicts) then
    perform catalog.correct_first_prices(p_source, p_run);
    perform catalog.write_changed_prices(p_source, p_run, p_part);
  end if;
  perform catalog.index_products(p_source, array(
    select j.external_id from pg_temp.verdicts j where j.verdict in ('created', 'updated')));
  return query
    select count(*) filter (where verdict = 'created' and not j.held)::integer,
      count(*) filter (where verdict = 'updated' and not j.held)::integer,
      count(*) filter (where verdict = 'unchanged')::integer,
      count(*) filter (where verdict = 'older')::integer,
      count(*) filter (where verdict = 'duplicate')::integer,
      count(*) filter (where j.held)::integer,
      coalesce(string_agg(int4send(j.seq), ''::bytea) filter (where j.seq is not null), ''), free_seq
    from pg_temp.verdicts j;
end $$;
