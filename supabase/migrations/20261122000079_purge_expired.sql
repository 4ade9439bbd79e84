-- Generated from supabase/schemas/79_purge_expired.sql until the first release: do not edit.

-- purge_expired removes content whose licence has ended, see 53_licences.sql. Ids, status, times and counts
-- stay. Postgres removes the bytes of old row versions by its own vacuum.

-- forget_addresses(ids): deletes addresses of images that no image names any more. Their stored copies are
-- removed by the next begin_blob_removal.
create function catalog.forget_addresses(p_ids bigint[]) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  with forgotten as (
    delete from catalog.image_addresses a
      where a.id = any (p_ids) and not exists (select from catalog.images i where i.address_id = a.id)
      returning a.id, a.sha256)
  update catalog.blobs b set stored_at = '-infinity'
    where b.sha256 in (select f.sha256 from forgotten f) and not exists (
      select from catalog.image_addresses a
      where a.sha256 = b.sha256 and a.id not in (select f.id from forgotten f))
$$;

-- purge_products(limit) → products purged: their texts, variants, images, prices, proposals and enrichments.
-- The hash of a purged product is forgotten, so the next record of it is an update.
--   prices      stay if the policy of the source keeps the history of prices
--   concurrent  skips products that another transaction writes
create function catalog.purge_products(p_limit integer) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  sources integer[];
  products text[];
  addresses bigint[];
begin
  select array_agg(due.source_id), array_agg(due.external_id) into sources, products
    from (
      select p.source_id, p.external_id from catalog.products p
      where p.expires_at <= now() and p.purged_at is null
      order by p.expires_at limit p_limit for update skip locked
    ) due;
  if sources is null then
    return 0;
  end if;
  with gone as (
    delete from catalog.images i using unnest(sources, products) d (source, product)
      where i.source_id = d.source and i.product_external_id = d.product returning i.address_id)
  select array_agg(distinct address_id) into addresses from gone where address_id is not null;
  perform catalog.forget_addresses(addresses);
  delete from catalog.variants v using unnest(sources, products) d (source, product)
    where v.source_id = d.source and v.product_external_id = d.product;
  delete from catalog.prices c using unnest(sources, products) d (source, product)
    where c.source_id = d.source and c.product_external_id = d.product
      and (c.state not in ('current', 'past') or not catalog.keeps_price_history(c.source_id));
  delete from catalog.enrichments e using unnest(sources, products) d (source, product)
    where e.source_id = d.source and e.product_external_id = d.product;
  delete from catalog.enrichment_work w using unnest(sources, products) d (source, product)
    where w.source_id = d.source and w.product_external_id = d.product;
  update catalog.reviews r set state = 'superseded', decided_at = now()
    from unnest(sources, products) d (source, product)
    where r.source_id = d.source and r.product_external_id = d.product and r.state = 'open'
      and r.kind in ('price', 'disagreement', 'proposal');
  update catalog.products p
    set title = null, description = null, brand = null, manufacturer = null, url = null,
        identifiers = case when p.identifiers ? 'asin'
          then jsonb_build_object('asin', p.identifiers -> 'asin') else '{}' end,
        attributes = '{}', warnings = null, provenance = null, raw = null, purged_at = now(),
        record_hash = decode(repeat('00', 16), 'hex'), content_hash = decode(repeat('00', 16), 'hex')
    from unnest(sources, products) d (source, product)
    where p.source_id = d.source and p.external_id = d.product;
  perform catalog.index_products(d.source, array_agg(d.product))
    from unnest(sources, products) d (source, product) group by d.source;
  return cardinality(products);
end $$;

-- purge_quotations(limit) → rows whose expired content was removed: changes, prices, quarantined records,
-- reviews, stale enrichments, and deleted brands, organisations and categories.
create function catalog.purge_quotations(p_limit integer) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  purged bigint := 0;
  n bigint;
  of_table text;
begin
  update catalog.changes c set detail = catalog.hide_detail(c.detail), expires_at = null
    where c.ctid = any (array(
      select ctid from catalog.changes where expires_at <= now() limit p_limit for update skip locked));
  get diagnostics n = row_count;
  purged := purged + n;
  update catalog.quarantine q set (raw, message, expires_at) = (
      select h.raw, h.message, null::timestamptz from catalog.hide_record(q) h)
    where q.ctid = any (array(
      select ctid from catalog.quarantine where expires_at <= now() limit p_limit for update skip locked));
  get diagnostics n = row_count;
  purged := purged + n;
  update catalog.reviews r set (reason, detail, state, expires_at) = (
      select h.reason, h.detail, case when h.state = 'open' and h.kind in ('disagreement', 'proposal')
        then 'superseded' else h.state end, null::timestamptz
      from catalog.hide_review(r) h)
    where r.ctid = any (array(
      select ctid from catalog.reviews where expires_at <= now() limit p_limit for update skip locked));
  get diagnostics n = row_count;
  purged := purged + n;
  foreach of_table in array '{prices,brands,organizations,categories}'::text[] loop
    execute format('delete from catalog.%1$I where ctid = any (array(
      select ctid from catalog.%1$I where expires_at <= now() limit $1 for update skip locked))', of_table)
      using p_limit;
    get diagnostics n = row_count;
    purged := purged + n;
  end loop;
  delete from catalog.enrichments e using catalog.products p
    where e.expires_at <= now() and p.source_id = e.source_id and p.external_id = e.product_external_id
      and p.content_hash <> e.content_hash;
  get diagnostics n = row_count;
  return purged + n;
end $$;

-- purge_messages(source, age, limit) → rows whose messages were removed, because they may quote content:
-- errors of runs and warnings of fetches that are older than `p_age`, and the records of calls, which the
-- database archives itself.
create function catalog.purge_messages(p_source integer, p_age interval, p_limit integer) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  before timestamptz := now() - p_age;
  calls bigint[];
  purged bigint;
  n bigint;
begin
  update catalog.runs r set reason = null
    where r.source_id = p_source and r.reason is not null
      and (r.error_code is not null or r.state in ('failed', 'interrupted'))
      and coalesce(r.finished_at, r.last_started_at) <= before;
  get diagnostics purged = row_count;
  update catalog.runs r set refusals = '{}', imports = catalog.hide_messages(r.imports)
    where r.source_id = p_source and r.finished_at <= before and (r.refusals <> '{}'
      or r.imports @? '$[*].error.message ? (@ != "The message has expired")');
  get diagnostics n = row_count;
  purged := purged + n;
  update catalog.artifacts a set warnings = '[]'
    from catalog.runs r
    where a.source_id = p_source and a.warnings <> '[]' and r.source_id = p_source and r.id = a.run_id
      and r.started_at <= before;
  get diagnostics n = row_count;
  purged := purged + n;
  calls := array(
    select a.run_id from catalog.artifacts a
    join catalog.parts p on p.source_id = p_source and p.run_id = a.run_id and p.no = 1
    where a.source_id = p_source and a.state <> 'purged' and starts_with(p.key, 'data:')
      and p.requested_at <= before
    limit p_limit);
  perform catalog.begin_purge(p_source, c) from unnest(calls) c;
  perform catalog.mark_purged(p_source, calls);
  return purged + cardinality(calls);
end $$;

-- purge_expired(limit) → rows purged; 0 when nothing is left. The caller repeats it: a call is one
-- transaction, which purges at most `p_limit` products, and as many rows of each table that quotes content.
-- `shelfsync purge` and the maintainers remove artifacts from the store.
create function catalog.purge_expired(p_limit integer default 1000) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  purged bigint := catalog.purge_products(p_limit) + catalog.purge_quotations(p_limit);
  source record;
begin
  for source in
    select s.id, catalog.expires_after(s.id) as age from catalog.sources s
    where jsonb_typeof(s.policy -> 'expiresAfterHours') = 'number'
  loop
    purged := purged + catalog.purge_messages(source.id, source.age, p_limit);
  end loop;
  return purged;
end $$;
