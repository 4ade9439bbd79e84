-- Generated from supabase/schemas/74_products.sql until the first release: do not edit.

-- The read model of products, for searches and exports, and of published changes.

-- list_products(…) → the products of a source by id, after the product `p_after`. Expired ones are left out.
--   words       each is part of the title, or is the id, a SKU or a GTIN; upper and lower case are alike, and
--               so are GTINs with and without leading zeros
--   statuses    only products in these
create function catalog.list_products(
  p_source integer, p_words text[], p_statuses text[], p_after text, p_limit integer
) returns table (
  product text, status text, title text, description text, brand text, manufacturer text, url text,
  identifiers jsonb, attributes jsonb, successor text, source_updated_at timestamptz,
  first_seen_at timestamptz, changed_at timestamptz, variants jsonb, images jsonb
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
  return query
    with words as (
      select lower(w) as word, n from unnest(p_words) with ordinality w (w, n)
    ), coded as materialized (
      select w.n, v.product_external_id
      from words w
      join catalog.variants v on v.source_id = p_source and v.removed_at is null
        and (lower(v.sku) = w.word or ltrim(v.gtin, '0') = ltrim(w.word, '0'))
    ), page as (
      select p.* from catalog.products p
      where p.source_id = p_source and p.external_id > coalesce(p_after, '')
        and p.status = any (p_statuses) and (p.expires_at is null or p.expires_at > now())
        and (cardinality(p_words) = 0 or not exists (
          select from words w
          where not (coalesce(position(w.word in lower(p.title)) > 0, false)
            or lower(p.external_id) = w.word
            or (w.n, p.external_id) in (select c.n, c.product_external_id from coded c))))
      order by p.external_id limit p_limit
    )
    select p.external_id, p.status, p.title, p.description, p.brand, p.manufacturer, p.url, p.identifiers,
      p.attributes, p.successor, p.source_updated_at, p.first_seen_at, p.changed_at,
      catalog.list_shown_variants(p_source, p.external_id), catalog.list_shown_images(p_source, p.external_id)
    from page p order by p.external_id;
end $$;

-- list_price_types(source) → the types of the current prices of the source, by name.
create function catalog.list_price_types(p_source integer) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select distinct price_type from catalog.prices
  where source_id = p_source and state = 'current' and amount_minor is not null order by price_type
$$;

-- list_published_changes(…) → published changes of all sources, the newest first, before the position
-- `p_before`. Each filter may be null.
create function catalog.list_published_changes(
  p_source integer, p_since timestamptz, p_kind text, p_before bigint, p_limit integer
) returns table (
  place bigint, source text, run bigint, product text, title text, kind text, detail jsonb,
  currencies jsonb, changed_at timestamptz
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
  return query
    with page as (
      select * from catalog.changes c
      where c.position is not null and c.position < coalesce(p_before, catalog.max_id())
        and (p_source is null or c.source_id = p_source) and (p_kind is null or c.kind = p_kind)
        and (p_since is null or c.changed_at >= p_since)
      order by c.position desc limit p_limit
    )
    select c.position, s.name, c.run_id, c.product_external_id, catalog.show_title(p), c.kind,
      case when c.expires_at <= now() then catalog.hide_detail(c.detail) else c.detail end,
      catalog.load_price_currencies(c.source_id, c.product_external_id, c.run_id, c.detail), c.changed_at
    from page c
    join catalog.sources s on s.id = c.source_id
    left join catalog.products p on p.source_id = c.source_id and p.external_id = c.product_external_id
    order by c.position desc;
end $$;
