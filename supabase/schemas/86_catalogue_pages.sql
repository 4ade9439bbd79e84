-- The read model of the whole catalogue, for the read API, its exports and agents: pages of products,
-- variants and prices of one source or of all, in the order of their keys. Expired content is left out.
--
-- Amounts are text, because JSON readers cannot represent integers above 2^53 - 1.

-- find_product_key(id) → the key of the product with this id of api.products; no row for an unknown or an
-- expired one.
create function catalog.find_product_key(p_id uuid) returns table (source_id integer, product text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select p.source_id, p.external_id from catalog.products p
  where md5(p.source_id::text || ' ' || p.external_id)::uuid = p_id
    and (p.expires_at is null or p.expires_at > now())
$$;

-- describe_products(sources, products) → the products with these keys, in their order, each with its
-- variants, current prices and images. Unknown and expired products have no row.
create function catalog.describe_products(p_sources integer[], p_products text[]) returns table (
  place bigint, id uuid, source text, source_id integer, product text, status text, title text,
  description text, brand text, manufacturer text, url text, identifiers jsonb, attributes jsonb,
  successor text, successor_id uuid, source_updated_at timestamptz, first_seen_at timestamptz,
  changed_at timestamptz, last_available_at timestamptz, expires_at timestamptz, variants jsonb, images jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select k.place, md5(p.source_id::text || ' ' || p.external_id)::uuid, s.name, p.source_id, p.external_id,
    p.status, p.title, p.description, p.brand, p.manufacturer, p.url, p.identifiers, p.attributes,
    p.successor, md5(coalesce(p.successor_source, p.source_id)::text || ' ' || p.successor)::uuid,
    p.source_updated_at, p.first_seen_at, p.changed_at, p.last_available_at, p.expires_at,
    coalesce((
      select jsonb_agg(jsonb_build_object(
          'id', v.external_id, 'title', v.title, 'sku', v.sku, 'gtin', v.gtin, 'options', v.options,
          'weightGrams', v.weight_grams, 'packCount', v.pack_count, 'availability', v.availability,
          'prices', coalesce((
            select jsonb_agg(jsonb_build_object(
                'type', c.price_type, 'minor', c.amount_minor::text, 'currency', c.currency,
                'compareAtMinor', c.compare_at_minor::text, 'observedAt', c.observed_at)
              order by c.price_type)
            from catalog.prices c
            where c.source_id = p.source_id and c.product_external_id = p.external_id
              and c.variant_external_id = v.external_id and c.state = 'current'
              and c.amount_minor is not null and (c.expires_at is null or c.expires_at > now())), '[]'))
        order by v.position, v.external_id)
      from catalog.variants v
      where v.source_id = p.source_id and v.product_external_id = p.external_id and v.removed_at is null
      ), '[]'),
    coalesce((
      select jsonb_agg(jsonb_build_object(
          'url', i.url, 'alt', i.alt, 'copyUrl', i.cdn_url, 'type', b.type, 'width', b.width,
          'height', b.height) order by i.position)
      from catalog.images i left join catalog.blobs b on b.sha256 = i.sha256
      where i.source_id = p.source_id and i.product_external_id = p.external_id), '[]')
  from unnest(p_sources, p_products) with ordinality k (source_id, product, place)
  join catalog.products p on p.source_id = k.source_id and p.external_id = k.product
  join catalog.sources s on s.id = p.source_id
  where p.expires_at is null or p.expires_at > now()
  order by k.place
$$;

-- describe_named_products(sources, products) → as describe_products, for the names of the sources.
create function catalog.describe_named_products(p_sources text[], p_products text[])
returns setof jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select to_jsonb(d) from (
    select array_agg(s.id order by k.place) as sources, array_agg(k.product order by k.place) as products
    from unnest(p_sources, p_products) with ordinality k (source, product, place)
    join catalog.sources s on s.name = k.source
  ) keys
  cross join lateral catalog.describe_products(keys.sources, keys.products) d
  order by d.place
$$;

-- page_products(…) → products of one source, or of all with null, by their keys, after the key
-- (p_after_source, p_after_product).
--   p_bytes_max   the page ends before the product with which its documents would exceed this; it has one
--                 product at least
--   has_more      of every row: whether a product follows the page
create function catalog.page_products(
  p_source integer, p_statuses text[], p_after_source integer, p_after_product text, p_limit integer,
  p_bytes_max integer
) returns table (row_of jsonb, has_more boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
declare
  sources integer[];
  products text[];
begin
  select array_agg(k.source_id order by k.source_id, k.external_id),
      array_agg(k.external_id order by k.source_id, k.external_id)
    into sources, products
    from (
      select p.source_id, p.external_id from catalog.products p
      where (p_source is null or p.source_id = p_source)
        and (p.source_id, p.external_id)
          > (coalesce(p_after_source, p_source, 0), coalesce(p_after_product, ''))
        and p.status = any (p_statuses) and (p.expires_at is null or p.expires_at > now())
      order by p.source_id, p.external_id limit p_limit + 1
    ) k;
  return query
    with described as (
      select d.place, to_jsonb(d) as document
      from catalog.describe_products(sources[:p_limit], products[:p_limit]) d
    ), sized as (
      select d.*, sum(octet_length(d.document::text)) over (order by d.place) as bytes from described d
    ), page as (
      select z.* from sized z where z.bytes <= p_bytes_max or z.place = (select min(place) from described)
    )
    select p.document - 'place',
      cardinality(sources) > p_limit or (select count(*) from page) < (select count(*) from described)
    from page p order by p.place;
end $$;

-- page_variants(…) → variants by their keys, after the key (p_after_source, p_after_product,
-- p_after_variant). Each filter may be null; a GTIN is found with and without leading zeros.
create function catalog.page_variants(
  p_source integer, p_product text, p_gtin text, p_after_source integer, p_after_product text,
  p_after_variant text, p_limit integer
) returns table (
  source_id integer, source text, product text, product_id uuid, variant text, title text, sku text,
  gtin text, options jsonb, weight_grams numeric, pack_count integer, availability text, "position" integer
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
  return query
    select v.source_id, s.name, v.product_external_id,
      md5(v.source_id::text || ' ' || v.product_external_id)::uuid, v.external_id, v.title, v.sku, v.gtin,
      v.options, v.weight_grams, v.pack_count, v.availability, v.position
    from catalog.variants v join catalog.sources s on s.id = v.source_id
    where (p_source is null or v.source_id = p_source)
      and (p_product is null or v.product_external_id = p_product)
      and (p_gtin is null or v.gtin = any (catalog.list_gtin_spellings(p_gtin)))
      and (v.source_id, v.product_external_id, v.external_id)
        > (coalesce(p_after_source, p_source, 0), coalesce(p_after_product, p_product, ''),
          coalesce(p_after_variant, ''))
      and v.removed_at is null and not exists (
        select from catalog.products e
        where e.source_id = v.source_id and e.external_id = v.product_external_id and e.expires_at <= now())
    order by v.source_id, v.product_external_id, v.external_id limit p_limit;
end $$;

-- page_prices(…) → published prices by their keys, after the key (p_after_source, p_after_product,
-- p_after_variant, p_after_type, p_after_run). Each filter may be null.
--   p_history   false: only current prices, without withdrawn ones
--   minor       null: the supplier withdrew the price
create function catalog.page_prices(
  p_source integer, p_product text, p_variant text, p_type text, p_history boolean, p_after_source integer,
  p_after_product text, p_after_variant text, p_after_type text, p_after_run bigint, p_limit integer
) returns table (
  source_id integer, source text, product text, product_id uuid, variant text, type text, minor text,
  currency text, compare_at_minor text, observed_at timestamptz, is_current boolean, run bigint
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
  return query
    select c.source_id, s.name, c.product_external_id,
      md5(c.source_id::text || ' ' || c.product_external_id)::uuid, c.variant_external_id, c.price_type,
      c.amount_minor::text, c.currency, c.compare_at_minor::text, c.observed_at, c.state = 'current', c.run_id
    from catalog.prices c join catalog.sources s on s.id = c.source_id
    where (p_source is null or c.source_id = p_source)
      and (p_product is null or c.product_external_id = p_product)
      and (p_variant is null or c.variant_external_id = p_variant)
      and (p_type is null or c.price_type = p_type)
      and (c.source_id, c.product_external_id, c.variant_external_id, c.price_type, c.run_id)
        > (coalesce(p_after_source, p_source, 0), coalesce(p_after_product, p_product, ''),
          coalesce(p_after_variant, ''), coalesce(p_after_type, ''), coalesce(p_after_run, 0))
      and (c.state = 'current' or c.state = 'past' and p_history)
      and (c.amount_minor is not null or p_history) and (c.expires_at is null or c.expires_at > now())
      and not exists (
        select from catalog.products e
        where e.source_id = c.source_id and e.external_id = c.product_external_id and e.expires_at <= now())
    order by c.source_id, c.product_external_id, c.variant_external_id, c.price_type, c.run_id limit p_limit;
end $$;
