-- Imports: keyed runs that a person requested, with the option `import`. Each has a result for every product
-- that was named.

-- is_refusal(status, title, brand, url) → whether the supplier says that it has no such product: a record
-- that is unavailable and says nothing else.
create function catalog.is_refusal(p_status text, p_title text, p_brand text, p_url text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_status = 'unavailable' and coalesce(p_title, p_brand, p_url) is null
$$;

-- record_refusals(source, run): a keyed run keeps the reason of each refusal in the batch, because a product
-- that the catalogue does not have gets no row for it.
create function catalog.record_refusals(p_source integer, p_run bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update catalog.runs r set refusals = r.refusals || f.refusals
    from (
      select jsonb_object_agg(s.external_id, coalesce(s.warnings ->> 0, 'The supplier has no such product'))
        as refusals
      from pg_temp.staged_products s
      where catalog.is_refusal(s.status, s.title, s.brand, s.url)
        and exists (
          select from catalog.runs k where k.source_id = p_source and k.id = p_run and k.keys is not null)
    ) f
    where r.source_id = p_source and r.id = p_run and f.refusals is not null
      and not r.refusals @> f.refusals;
end $$;

-- import_fields() → the fields of a result, in their order: IMPORT_FIELDS of src/core/import-result.ts.
create function catalog.import_fields() returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select array['title', 'description', 'brand', 'manufacturer', 'images', 'detail_page_url', 'current_price',
    'original_price', 'savings_amount', 'savings_percentage', 'currency', 'availability_type',
    'availability_message', 'customer_review_count', 'star_rating']
$$;

-- list_imported_fields(product) → the fields with a value, as `listImportedFields` finds them in a draft. The
-- price is the current one of the first variant that has one.
create function catalog.list_imported_fields(p_product catalog.products) returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  with priced as (
    select c.currency, c.compare_at_minor
    from catalog.variants v
    join catalog.prices c on c.source_id = v.source_id and c.product_external_id = v.product_external_id
      and c.variant_external_id = v.external_id
    where v.source_id = p_product.source_id and v.product_external_id = p_product.external_id
      and v.removed_at is null and c.state = 'current' and c.amount_minor is not null
    order by v.position, c.price_type limit 1
  ), first_variant as (
    select v.availability from catalog.variants v
    where v.source_id = p_product.source_id and v.product_external_id = p_product.external_id
      and v.removed_at is null
    order by v.position limit 1
  ), saving as (
    select coalesce((select compare_at_minor is not null from priced), false) as has
  )
  select array(
    select f.name
    from unnest(catalog.import_fields(), array[
      p_product.title is not null, p_product.description is not null, p_product.brand is not null,
      p_product.manufacturer is not null,
      exists (
        select from catalog.images i
        where i.source_id = p_product.source_id and i.product_external_id = p_product.external_id),
      p_product.url is not null, exists (select from priced), s.has, s.has, s.has,
      exists (select from priced),
      coalesce(p_product.attributes ->> 'availability_type',
        (select availability from first_variant)) is not null,
      p_product.attributes ->> 'availability_message' is not null,
      p_product.attributes ->> 'customer_review_count' is not null,
      p_product.attributes ->> 'star_rating' is not null
    ]) with ordinality f (name, has, n)
    where f.has order by f.n)
  from saving s
$$;

-- find_import_error(run, key, was_seen) → {code, message} of a product that was not imported, or null. The
-- last warning of the fetch explains a product that did not arrive, as when its batch has failed.
create function catalog.find_import_error(p_run catalog.runs, p_key text, p_was_seen boolean) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_run.refusals ? p_key
      then jsonb_build_object('code', 'source/no-product', 'message', p_run.refusals ->> p_key)
    when q.rule is not null then jsonb_build_object('code', q.rule, 'message', q.message)
    when p_was_seen then null
    when p_run.state in ('running', 'succeeded', 'held') then jsonb_build_object(
      'code', coalesce(a.error_code,
        case when a.warnings = '[]' then 'source/no-product' else 'source/unavailable' end),
      'message', coalesce(a.warnings ->> -1, 'The supplier has sent neither the product nor a reason'))
    else jsonb_build_object('code', p_run.error_code,
      'message', coalesce(p_run.reason, format('Run %s is %s', p_run.id, p_run.state)))
  end
  from (values (1)) one
  left join catalog.artifacts a on a.source_id = p_run.source_id and a.run_id = p_run.artifact_run
  left join lateral (
    select rule, message from catalog.quarantine
    where source_id = p_run.source_id and artifact_run = p_run.artifact_run and external_id = p_key
      and state = 'open'
    order by id desc limit 1
  ) q on true
$$;

-- list_import_results(run, seen) → one object for each product that the run names, in the order of their ids:
-- `ImportResult` of src/core/import-result.ts.
--   p_seen      bitmap of the products that the run saw; null: those that it has changed so far
create function catalog.list_import_results(p_run catalog.runs, p_seen bytea) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
      'productId', case when (p).external_id is not null
        then md5(p_run.source_id::text || ' ' || k.key)::uuid end,
      'externalId', k.key,
      'asin', case when s.marketplace is not null then k.key end,
      'marketplace', s.marketplace,
      'state', case when e.error is not null then 'failed' else coalesce(c.state, 'unchanged') end,
      'imported', to_jsonb(f.imported),
      'missing', case when e.error is not null then '[]'
        else to_jsonb(array(
          select m.name from unnest(catalog.import_fields()) with ordinality m (name, n)
          where m.name <> all (f.imported) order by m.n)) end)
    || case when e.error is null then '{}' else jsonb_build_object('error', e.error) end order by k.n), '[]')
  from unnest(p_run.keys) with ordinality k (key, n)
  cross join (
    select marketplace from catalog.sources where id = p_run.source_id
  ) s
  left join lateral (
    select w from catalog.products w where w.source_id = p_run.source_id and w.external_id = k.key
  ) product (p) on true
  left join lateral (
    select case kind when 'created' then 'created' else 'updated' end as state from catalog.changes
    where source_id = p_run.source_id and run_id = p_run.id and product_external_id = k.key
      and review_id = 0
  ) c on true
  cross join lateral (
    select catalog.find_import_error(p_run, k.key, (p).external_id is not null and (c.state is not null
      or p_seen is not null and (p).seq < 8 * length(p_seen) and get_bit(p_seen, (p).seq) = 1)) as error
  ) e
  cross join lateral (
    select case when e.error is null then catalog.list_imported_fields(p) else '{}' end as imported
  ) f
$$;

-- load_import_results(run) → the results of an import that has ended; an empty list for any other run.
-- Their messages expire with the content of the source.
create function catalog.load_import_results(p_run catalog.runs) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  results jsonb;
begin
  if not p_run.options ? 'import' or p_run.state in ('running', 'fetched') then
    return '[]';
  end if;
  results := coalesce(p_run.imports, catalog.list_import_results(p_run, null));
  if p_run.finished_at + catalog.expires_after(p_run.source_id) <= now() then
    return catalog.hide_messages(results);
  end if;
  return results;
end $$;

-- list_imported_products(source, products) → what a card of each of these products shows; expired ones are
-- left out.
create function catalog.list_imported_products(p_source integer, p_products text[]) returns table (
  product text, title text, url text, availability text, amount_minor bigint, currency text,
  compare_at_minor bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select p.external_id, p.title, p.url,
    coalesce(p.attributes ->> 'availability_message', v.availability), v.amount_minor, v.currency,
    v.compare_at_minor
  from catalog.products p
  left join lateral (
    select v.availability, c.amount_minor, c.currency, c.compare_at_minor
    from catalog.variants v
    left join catalog.prices c on c.source_id = v.source_id and c.product_external_id = v.product_external_id
      and c.variant_external_id = v.external_id and c.state = 'current' and c.amount_minor is not null
      and (c.expires_at is null or c.expires_at > now())
    where v.source_id = p_source and v.product_external_id = p.external_id and v.removed_at is null
    order by c.amount_minor is null, v.position, c.price_type limit 1
  ) v on true
  where p.source_id = p_source and p.external_id = any (p_products)
    and (p.expires_at is null or p.expires_at > now())
  order by p.external_id
$$;
