-- The result of a search of products, with what a list shows of each.

-- find_entries(text, filter, sort, after, limit) → the page of a search, see search_products.
--   total       10,001 for more than 10,000
create function catalog.find_entries(
  p_text text, p_filter jsonb, p_sort text, p_after jsonb, p_limit integer, out total integer,
  out sort text, out page jsonb
)
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  matches_max constant integer := 10001;
  search record := catalog.compose_search(p_text, p_filter);
  filter jsonb := p_filter || case when p_sort like 'price-%' then '{"priced": true}' else '{}'::jsonb end;
  conditions text := catalog.compose_conditions(filter, search.matches is not null);
  sources constant integer[] := array(select s.id from catalog.sources s
    where not p_filter ? 'sources' or p_filter -> 'sources' ? s.name);
  statuses constant text[] := array(select jsonb_array_elements_text(p_filter -> 'statuses'));
  folded constant text := left(catalog.fold_words(left(coalesce(p_text, ''), 200)), 100);
  -- Reads of each source and status. Where a page needs more, the matches are so few that it is cheaper to
  -- read all of them.
  reads_max constant integer := 8000 / sqrt(greatest(1, cardinality(sources) * cardinality(statuses)));
begin
  -- A list continues in the order in which it began, even if fewer products match by now.
  sort := coalesce(p_after ->> 'sort',
    case when p_sort = 'relevance' and search.codes is null then 'newest' else p_sort end);
  execute catalog.compose_page(sort, conditions, matches_max) into total, page
    using sources, statuses, search.matches, search.codes, filter, folded, p_after, p_limit;
  if total < matches_max then
    return;
  end if;
  sort := case sort when 'relevance' then 'newest' else sort end;
  execute catalog.compose_walk(sort, conditions, p_after is not null, reads_max)
    into page using sources, statuses, search.matches, search.codes, filter, folded, p_after, p_limit;
end $$;

-- list_shown_variants(source, product) → the variants of the product with their current prices, as a list.
create function catalog.list_shown_variants(p_source integer, p_product text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
      'id', v.external_id, 'title', v.title, 'sku', v.sku, 'gtin', v.gtin, 'options', v.options,
      'weightGrams', v.weight_grams, 'packCount', v.pack_count, 'availability', v.availability,
      'prices', coalesce((
        select jsonb_agg(jsonb_build_object(
            'type', c.price_type, 'amountMinor', c.amount_minor, 'currency', c.currency,
            'compareAtMinor', c.compare_at_minor) order by c.price_type)
        from catalog.prices c
        where c.source_id = p_source and c.product_external_id = p_product
          and c.variant_external_id = v.external_id and c.state = 'current'
          and (c.expires_at is null or c.expires_at > now())
          and c.amount_minor is not null), '[]')) order by v.position, v.external_id), '[]')
  from catalog.variants v
  where v.source_id = p_source and v.product_external_id = p_product and v.removed_at is null
$$;

-- list_shown_images(source, product) → the images of the product by position, as a list.
create function catalog.list_shown_images(p_source integer, p_product text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'url', i.url, 'alt', i.alt, 'cdnUrl', i.cdn_url) order by i.position), '[]')
  from catalog.images i where i.source_id = p_source and i.product_external_id = p_product
$$;

-- show_found_product(product, source) → what a list shows of the product: its facts, its variants with their
-- current prices, its images, and the number of its open reviews.
create function catalog.show_found_product(p_product catalog.products, p_source text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('source', p_source, 'product', p_product.external_id, 'status', p_product.status,
    'title', p_product.title, 'brand', p_product.brand, 'manufacturer', p_product.manufacturer,
    'url', p_product.url, 'identifiers', p_product.identifiers, 'successor', p_product.successor,
    'source_updated_at', p_product.source_updated_at, 'first_seen_at', p_product.first_seen_at,
    'changed_at', p_product.changed_at, 'expires_at', p_product.expires_at,
    'variants', catalog.list_shown_variants(p_product.source_id, p_product.external_id),
    'images', catalog.list_shown_images(p_product.source_id, p_product.external_id),
    'reviews', (
      select count(*) from catalog.reviews v
      where v.state = 'open' and v.source_id = p_product.source_id
        and v.product_external_id = p_product.external_id))
$$;

-- search_products(text, filter, sort, after, limit) → one row: a page of products of all sources.
--   text        words, each of them in the title, the brand or the manufacturer, where the last may be a
--               beginning; or a code: the supplier's id, a SKU, a GTIN in any length, another identifier.
--               Upper and lower case, accents, and the separators in codes do not count. Null: every product
--   filter      {statuses, and optionally sources (names), brand, categories (ids), availability (each a
--               list), minPrice, maxPrice, currency, changedSince, review (an open one)}
--   sort        relevance, newest (change), title, price-low, price-high. A sort by price leaves out products
--               without one
--   after       the `key` of the last product of the page before, with its `sort`; null: the first page
--   total       10,001 for more than 10,000. sort: that of the page; relevance becomes newest for them
--   products    [{…, key}], without those whose licence has ended
create function catalog.search_products(
  p_text text, p_filter jsonb, p_sort text, p_after jsonb, p_limit integer
) returns table (total integer, sort text, products jsonb)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select f.total, f.sort, (
    select coalesce(jsonb_agg(catalog.show_found_product(p, s.name) || jsonb_build_object('key',
      found.entry || jsonb_build_object('sort', f.sort)) order by found.n), '[]')
    from jsonb_array_elements(f.page) with ordinality found (entry, n)
    join catalog.sources s on s.id = (found.entry ->> 'source')::integer
    join catalog.products p on p.source_id = s.id and p.external_id = found.entry ->> 'product')
  from catalog.find_entries(p_text, p_filter, p_sort, p_after, p_limit) f
$$;
