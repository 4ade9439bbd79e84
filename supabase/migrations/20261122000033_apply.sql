-- Generated from supabase/schemas/33_apply.sql until the first release: do not edit.

-- apply_batch: merges the staging tables into the catalogue, in one transaction with the batch's checkpoint.

-- apply_batch(…) → (created, updated, unchanged, older, duplicate, held, seqs, next_seq)
--   atomic      rows, price points, changes, or nothing; the caller saves its checkpoint in the same transaction
--   idempotent  the same batch twice writes no row the second time
--   ordering    see judge; rows are taken in the order of their ids, so lanes cannot deadlock
--   seqs        the numbers of all products that the batch named, as big-endian int4: the run has seen them
--   next_seq    the first number after p_seq_from that is still free; at most one is taken a staged line and round
create function catalog.apply_batch(
  p_source integer, p_run bigint, p_token bigint, p_artifact_run bigint, p_part integer, p_seq_from integer,
  p_normaliser_version integer, p_volatile text[], p_price_factor numeric, p_seen_later bytea, p_first_load boolean
) returns table (created integer, updated integer, unchanged integer, older integer, duplicate integer, held integer, seqs bytea, next_seq integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off set work_mem = '32MB' as $$
#variable_conflict use_column
declare
  free_seq integer := p_seq_from;
  judged_new integer;
  lost integer;
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  loop
    perform catalog.judge(p_source, p_artifact_run, p_part, p_seen_later, p_volatile, p_price_factor);

    with numbered as (
      select line_no, free_seq - 1 + row_number() over (order by line_no) as seq from pg_temp.judged where verdict = 'created' and seq is null
    ), written as (
      insert into catalog.products (
        source_id, external_id, seq, status, title, description, brand, manufacturer, url, identifiers, attributes, successor,
        source_updated_at, first_seen_at, changed_at, last_available_at, expires_at, run_id, part_no, line_no, normaliser_version,
        record_hash, content_hash, warnings, raw)
      select p_source, s.external_id, n.seq, s.status, s.title, s.description, s.brand, s.manufacturer, s.url, s.identifiers, s.attributes, s.successor,
        s.source_updated_at, now(), now(), null, s.expires_at, p_artifact_run, p_part, s.line_no, p_normaliser_version,
        s.record_hash, s.content_hash, s.warnings, s.raw
      from numbered n join pg_temp.staged_products s on s.line_no = n.line_no
      order by s.external_id
      on conflict do nothing
      returning line_no, seq
    )
    update pg_temp.judged j set seq = w.seq from written w where w.line_no = j.line_no;
    get diagnostics judged_new = row_count;

    -- Another lane created the same product meanwhile: judge those lines again, now against its row.
    delete from pg_temp.judged where verdict = 'created' and seq is null;
    get diagnostics lost = row_count;
    free_seq := free_seq + judged_new + lost;
    exit when lost = 0;
  end loop;

  if not p_first_load then
    insert into catalog.changes (source_id, run_id, product_external_id, kind, detail)
      select p_source, p_run, c.external_id, c.kind, case c.kind when 'created' then '{}' else c.detail - 'description' end
      from catalog.list_staged_changes(p_source) c
      on conflict (source_id, run_id, product_external_id) do update
        set detail = changes.detail || excluded.detail, kind = excluded.kind
        where changes.kind <> 'created';
  end if;

  update catalog.products p
    set status = case when p.status = 'removed' and p.run_id > p_artifact_run then p.status else s.status end, title = s.title, description = s.description, brand = s.brand, manufacturer = s.manufacturer, url = s.url,
        identifiers = s.identifiers, attributes = s.attributes, successor = s.successor,
        source_updated_at = case when p.run_id > p_artifact_run then p.source_updated_at else s.source_updated_at end, changed_at = now(), expires_at = s.expires_at, normaliser_version = p_normaliser_version, record_hash = s.record_hash,
        content_hash = s.content_hash, warnings = s.warnings, raw = s.raw,
        last_available_at = case when s.status = 'active' then null when p.status = 'active' then now() else p.last_available_at end,
        run_id = greatest(p.run_id, p_artifact_run), part_no = case when p.run_id > p_artifact_run then p.part_no else p_part end,
        line_no = case when p.run_id > p_artifact_run then p.line_no else s.line_no end
    from pg_temp.judged j join pg_temp.staged_products s on s.line_no = j.line_no
    where j.verdict = 'updated' and p.source_id = p_source and p.external_id = j.external_id;

  -- A newer artifact that does not know the time any more, or knows it again: what follows is compared with that.
  update catalog.products p
    set source_updated_at = s.source_updated_at, record_hash = s.record_hash
    from pg_temp.judged j join pg_temp.staged_products s on s.line_no = j.line_no
    where j.verdict = 'unchanged' and p.source_id = p_source and p.external_id = j.external_id and p.run_id < p_artifact_run
      and (p.source_updated_at is null) <> (s.source_updated_at is null)
      and not (p_seen_later is not null and p.seq < 8 * length(p_seen_later) and get_bit(p_seen_later, p.seq) = 1);

  perform catalog.write_variants(p_source);
  perform catalog.write_images(p_source);
  perform catalog.write_prices(p_source, p_run);

  return query
    select count(*) filter (where verdict = 'created' and not j.held)::integer, count(*) filter (where verdict = 'updated' and not j.held)::integer,
      count(*) filter (where verdict = 'unchanged')::integer, count(*) filter (where verdict = 'older')::integer,
      count(*) filter (where verdict = 'duplicate')::integer, count(*) filter (where j.held)::integer,
      coalesce(string_agg(int4send(j.seq), ''::bytea) filter (where j.seq is not null), ''), free_seq
    from pg_temp.judged j;
end $$;

create function catalog.write_variants(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into catalog.variants (source_id, product_external_id, external_id, position, title, sku, gtin, options, weight_grams, pack_count, availability)
    select p_source, j.external_id, v.external_id, v.position, v.title, v.sku, v.gtin, v.options, v.weight_grams::numeric, v.pack_count, v.availability
    from pg_temp.judged j join pg_temp.staged_variants v on v.line_no = j.line_no
    where j.verdict in ('created', 'updated')
    order by j.external_id, v.external_id
    on conflict (source_id, product_external_id, external_id) do update
      set position = excluded.position, title = excluded.title, sku = excluded.sku, gtin = excluded.gtin, options = excluded.options,
          weight_grams = excluded.weight_grams, pack_count = excluded.pack_count, availability = excluded.availability, removed_at = null
      where (variants.position, variants.title, variants.sku, variants.gtin, variants.options, variants.weight_grams, variants.pack_count, variants.availability,
             variants.removed_at)
        is distinct from (excluded.position, excluded.title, excluded.sku, excluded.gtin, excluded.options, excluded.weight_grams, excluded.pack_count,
             excluded.availability, null);
  update catalog.variants v set removed_at = now()
    from pg_temp.judged j
    where j.verdict = 'updated' and v.source_id = p_source and v.product_external_id = j.external_id and v.removed_at is null
      and not exists (select from pg_temp.staged_variants n where n.line_no = j.line_no and n.external_id = v.external_id);
end $$;

create function catalog.write_images(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into catalog.images (source_id, product_external_id, position, url, alt)
    select p_source, j.external_id, i.position, i.url, i.alt
    from pg_temp.judged j join pg_temp.staged_images i on i.line_no = j.line_no
    where j.verdict in ('created', 'updated')
    order by j.external_id, i.position
    on conflict (source_id, product_external_id, position) do update
      set url = excluded.url, alt = excluded.alt, sha256 = null, cdn_url = null, state = 'new'
      where (images.url, images.alt) is distinct from (excluded.url, excluded.alt);
  delete from catalog.images i
    using pg_temp.judged j
    where j.verdict = 'updated' and i.source_id = p_source and i.product_external_id = j.external_id
      and not exists (select from pg_temp.staged_images n where n.line_no = j.line_no and n.position = i.position);
end $$;

-- write_prices(…): first prices are current at once; changed ones wait for settle; those that fail a gate wait for a person.
create function catalog.write_prices(p_source integer, p_run bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
  first_prices integer;
begin
  insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id, amount_minor, currency, compare_at_minor, state, observed_at)
    select p_source, j.external_id, n.variant_external_id, n.price_type, p_run, n.amount_minor, n.currency, n.compare_at_minor,
      case n.amount_minor when 0 then 'held' else 'current' end, now()
    from pg_temp.judged j join pg_temp.staged_prices n on n.line_no = j.line_no
    where j.verdict = 'created' and n.amount_minor is not null
    order by j.external_id, n.variant_external_id, n.price_type
    on conflict do nothing;

  if not exists (select from pg_temp.judged_prices) then
    return;
  end if;
  -- A price that this very run made current is a first price of a record that lost meanwhile. The winner's is as good a first price.
  with firsts as (
    update pg_temp.judged_prices q
      set state = case q.amount_minor when 0 then 'held' else 'current' end, reason = case q.amount_minor when 0 then 'the price is zero' end
      from catalog.prices c
      where c.source_id = p_source and c.product_external_id = q.external_id and c.variant_external_id = q.variant_external_id
        and c.price_type = q.price_type and c.run_id = p_run and c.state = 'current' and q.state in ('pending', 'held')
      returning q.line_no)
  select count(*) into first_prices from firsts;
  if first_prices > 0 then
    update pg_temp.judged j set held = exists (select from pg_temp.judged_prices q where q.line_no = j.line_no and q.state = 'held') where j.reprices;
  end if;
  update catalog.prices w set state = 'superseded'
    from pg_temp.judged_prices q
    where w.source_id = p_source and w.product_external_id = q.external_id and w.variant_external_id = q.variant_external_id
      and w.price_type = q.price_type and w.state in ('pending', 'held') and (w.run_id <> p_run or q.state = 'kept');
  update catalog.reviews r set state = 'superseded', decided_at = now()
    from pg_temp.judged_prices q
    where r.source_id = p_source and r.state = 'open' and r.kind = 'price' and r.product_external_id = q.external_id
      and r.variant_external_id = q.variant_external_id and r.price_type = q.price_type;
  insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id, amount_minor, currency, compare_at_minor, state, observed_at)
    select p_source, q.external_id, q.variant_external_id, q.price_type, p_run, q.amount_minor, q.currency, q.compare_at_minor, q.state, now()
    from pg_temp.judged_prices q
    where q.state <> 'kept'
    on conflict (source_id, product_external_id, variant_external_id, price_type, run_id) do update
      set amount_minor = excluded.amount_minor, currency = excluded.currency, compare_at_minor = excluded.compare_at_minor,
          state = excluded.state, observed_at = excluded.observed_at
      where prices.state in ('pending', 'held', 'superseded', 'current');
  insert into catalog.reviews (source_id, kind, run_id, product_external_id, variant_external_id, price_type, reason, detail)
    select p_source, 'price', p_run, q.external_id, q.variant_external_id, q.price_type, q.reason,
      jsonb_build_object('from', q.last_good, 'to', q.amount_minor, 'currency', q.currency)
    from pg_temp.judged_prices q
    where q.state = 'held';
end $$;
