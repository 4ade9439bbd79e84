-- Generated from supabase/schemas/64_amazon.sql until the first release: do not edit.

-- Amazon's marketplaces and their items, for readers.

-- The associate tag is the one that Amazon has put into the links of the marketplace's products.
create view api.marketplaces with (security_invoker = true) as
  select m.id, m.code, m.region_name, m.host, m.region, m.currency, m.languages,
    coalesce(m.associate_tag, linked.tag) as associate_tag
  from catalog.marketplaces m
  left join lateral (
    select substring(p.url from '[?&]tag=([A-Za-z0-9_-]{1,64})') as tag
    from catalog.sources s
    join catalog.products p on p.source_id = s.id and p.url ~ '[?&]tag='
      and (p.expires_at is null or p.expires_at > now())
    where s.marketplace = m.code limit 1
  ) linked on true;

-- Items of Amazon, one row for each product of a source. An expired item is not shown. An item that Amazon
-- refuses or omits has the status `unavailable` and no content. Show `price_as_of` and `disclaimer` beside
-- each price and availability, and use `detail_page_url` unchanged, because it has the associate tag.
--
-- While a changed price waits for the end of its run or for a person, the price is the last good one, as of
-- the last request that returned it, and is null when its licence has ended.
create view api.amazon_products with (security_invoker = true) as
  select md5(p.source_id::text || ' ' || p.external_id)::uuid as id, p.external_id as asin,
    m.id as marketplace_id, m.code as marketplace,
    md5(parent.source_id::text || ' ' || parent.external_id)::uuid as parent_id,
    p.attributes ->> 'parent_asin' as parent_asin, p.title,
    -- Null: neither API of Amazon has one.
    p.description,
    p.brand, p.manufacturer,
    coalesce((
      select jsonb_agg(i.url order by i.position) from catalog.images i
      where i.source_id = p.source_id and i.product_external_id = p.external_id), '[]') as images,
    p.url as detail_page_url,
    price.amount as current_price, price.original as original_price,
    price.original - price.amount as savings_amount,
    round(100 * (price.original - price.amount) / nullif(price.original, 0), 2) as savings_percentage,
    coalesce(price.currency, m.currency) as currency,
    p.attributes ->> 'availability_type' as availability_type,
    p.attributes ->> 'availability_message' as availability_message,
    -- Null: the API does not return it to ordinary accounts, and the licence forbids its use.
    null::integer as customer_review_count,
    null::numeric as star_rating,                    -- null: see customer_review_count
    -- Why columns of this row are always null, by column.
    jsonb_build_object(
      'description', 'The Creators API has no description; features are in api.products.attributes',
      'customer_review_count', 'The Creators API does not return it, and its licence forbids its use',
      'star_rating', 'The Creators API does not return it, and its licence forbids its use')
      as null_reasons,
    p.status, p.refreshed_at as last_refresh_at, p.last_available_at,
    p.first_seen_at as created_at, p.changed_at as updated_at,
    coalesce(price.as_of, p.refreshed_at) as price_as_of,
    format('Product prices and availability are accurate as of the date/time indicated and are subject to '
      'change. Any price and availability information displayed on %s at the time of purchase will apply to '
      'the purchase of this product.', coalesce(m.code, 'Amazon')) as disclaimer,
    p.expires_at, s.name as source
  from catalog.products p
  join catalog.sources s on s.id = p.source_id and s.connector = 'amazon'
  left join catalog.marketplaces m on m.code = s.marketplace
  left join catalog.products parent
    on parent.source_id = p.source_id and parent.external_id = p.attributes ->> 'parent_asin'
    and (parent.expires_at is null or parent.expires_at > now())
  left join lateral (
    select round(c.amount_minor / 10::numeric ^ unit.decimals, unit.decimals) as amount,
      round(c.compare_at_minor / 10::numeric ^ unit.decimals, unit.decimals) as original, c.currency,
      coalesce(c.expires_at - (p.expires_at - p.refreshed_at), p.refreshed_at) as as_of
    from catalog.prices c
    -- Readers may not execute `catalog.count_decimals`. No marketplace has a currency of 3 decimals.
    cross join lateral (
      select case when c.currency in ('JPY', 'KRW', 'CLP', 'VND', 'ISK') then 0 else 2 end as decimals
    ) unit
    where c.source_id = p.source_id and c.product_external_id = p.external_id
      and c.variant_external_id = p.external_id and c.price_type = 'public' and c.state = 'current'
      and c.amount_minor is not null and (c.expires_at is null or c.expires_at > now())
  ) price on true
  where p.expires_at is null or p.expires_at > now();

-- Relations for the Data API, as in 61_embeds.sql.
do $$
begin
  perform catalog.embed_view(name, from_view, to_view, row_estimate, condition) from (values
    ('product',     'amazon_products', 'products',        1, 'f.id = $1.id'),
    ('marketplace', 'amazon_products', 'marketplaces',    1, 'f.id = $1.marketplace_id'),
    ('items',       'marketplaces',    'amazon_products', 1000, 'f.marketplace_id = $1.id')
  ) as relation (name, from_view, to_view, row_estimate, condition);
end $$;
