-- Generated from supabase/schemas/62_coffees.sql until the first release: do not edit.

-- Coffee, in the terms of catalogues of coffee: products whose texts the domain pack has read. An unknown
-- value is null. Goods that the pack has recognised as something else are left out; `is_coffee` is null if
-- the shop does not say what a product is. See docs/coffee.md.

create view api.coffees with (security_invoker = true) as
  select md5(p.source_id::text || ' ' || p.external_id)::uuid as id, s.name as source,
    p.external_id as platform_product_id, p.title as name,
    coalesce(p.attributes ->> 'handle', p.attributes ->> 'slug') as slug, p.brand as roaster_name,
    p.status, p.url as direct_buy_url, (p.attributes -> 'is_coffee')::boolean as is_coffee,
    p.attributes ->> 'kind' as kind,
    p.attributes ->> 'roast_level' as roast_level,
    p.provenance -> 'attributes.roast_level' ->> 'raw' as roast_level_raw,
    (select array_agg(value) from jsonb_array_elements_text(p.attributes -> 'roast_styles')) as roast_styles,
    p.provenance -> 'attributes.roast_styles' ->> 'raw' as roast_style_raw,
    case jsonb_typeof(p.attributes -> 'process')
      when 'array' then (
        select string_agg(name, '_' order by place)
        from jsonb_array_elements_text(p.attributes -> 'process') with ordinality as t (name, place))
      else p.attributes ->> 'process' end as process,
    p.attributes ->> 'process_base' as process_base,
    p.provenance -> 'attributes.process' ->> 'raw' as process_raw,
    case jsonb_typeof(p.attributes -> 'species')
      when 'array' then 'blend'
      when 'object' then (
        select string_agg(key || '_' || value, '_' order by value::numeric desc, key)
        from jsonb_each_text(p.attributes -> 'species'))
      else p.attributes ->> 'species' end as bean_species,
    p.attributes -> 'species' as species,
    (select array_agg(value) from jsonb_array_elements_text(p.attributes -> 'varieties')) as varieties,
    p.attributes ->> 'country' as country, p.attributes ->> 'region' as region,
    p.attributes ->> 'estate' as estate, (p.attributes -> 'altitude_min')::numeric as altitude_min,
    (p.attributes -> 'altitude_max')::numeric as altitude_max,
    round(((p.attributes -> 'altitude_min')::numeric + (p.attributes -> 'altitude_max')::numeric) / 2)
      as altitude,
    (p.attributes -> 'decaf')::boolean as decaf, p.attributes ->> 'decaf_method' as decaf_method,
    (select array_agg(value) from jsonb_array_elements_text(p.attributes -> 'flavour_notes')) as flavors,
    p.provenance -> 'attributes.flavour_notes' as notes_raw,
    p.attributes ->> 'acidity' as acidity, p.attributes ->> 'body' as body,
    p.attributes ->> 'bitterness' as bitterness, p.attributes ->> 'sweetness' as sweetness,
    p.attributes ->> 'aftertaste' as aftertaste, p.attributes ->> 'clarity' as clarity,
    (select array_agg(value) from jsonb_array_elements_text(p.attributes -> 'certifications'))
      as certifications,
    p.attributes ->> 'grade' as grade, (p.attributes -> 'score')::numeric as score,
    (p.attributes -> 'is_limited')::boolean as is_limited,
    (select array_agg(value) from jsonb_array_elements_text(p.attributes -> 'clean_tags')) as tags,
    case jsonb_array_length(p.attributes -> 'grinds' -> v.external_id)
      when 1 then p.attributes -> 'grinds' -> v.external_id ->> 0 end as default_grind,
    v.sku as vendor_sku, p.attributes ->> 'description_md' as description_md,
    p.attributes ->> 'description_text' as description_cleaned,
    btrim(regexp_replace(p.title, '\s+', ' ', 'g')) as title_cleaned,
    encode(p.record_hash, 'hex') as raw_hash, encode(p.content_hash, 'hex') as content_hash, p.provenance,
    p.first_seen_at, p.changed_at
  from catalog.products p
  join catalog.sources s on s.id = p.source_id
  left join lateral (
    select w.external_id, w.sku from catalog.variants w
    where w.source_id = p.source_id and w.product_external_id = p.external_id and w.removed_at is null
    order by w.position, w.external_id limit 1
  ) v on true
  where p.attributes ->> 'pack' = 'coffee' and p.attributes ->> 'is_coffee' is distinct from 'false'
    and (p.expires_at is null or p.expires_at > now());

-- The variants of these products, with the content of one unit, the number of units, and current prices. A
-- variant with prices of several types has a row for each.
create view api.coffee_variants with (security_invoker = true) as
  select md5(p.source_id::text || ' ' || p.external_id)::uuid as coffee_id, s.name as source,
    p.external_id as platform_product_id, v.external_id as platform_variant_id, v.position, v.title, v.sku,
    v.weight_grams as weight_g,
    p.provenance -> ('variants.' || v.external_id || '.weightGrams') ->> 'raw' as weight_raw,
    (p.provenance -> ('variants.' || v.external_id || '.weightGrams') -> 'confidence')::numeric
      as weight_confidence,
    v.pack_count,
    (select array_agg(value) from jsonb_array_elements_text(p.attributes -> 'grinds' -> v.external_id))
      as grind,
    case v.availability when 'in_stock' then true when 'out_of_stock' then false
      when 'discontinued' then false end as in_stock,
    c.price_type, c.amount_minor, c.currency, c.compare_at_minor,
    round(c.amount_minor * u.grams / nullif(v.weight_grams * coalesce(v.pack_count, 1), 0))::bigint
      as unit_amount_minor,
    case when v.weight_grams > 0 then p.attributes ->> 'unit_price_per' end as unit
  from catalog.products p
  join catalog.sources s on s.id = p.source_id
  join catalog.variants v on v.source_id = p.source_id and v.product_external_id = p.external_id
    and v.removed_at is null
  left join catalog.prices c on c.source_id = p.source_id and c.product_external_id = p.external_id
    and c.variant_external_id = v.external_id and c.state = 'current' and c.amount_minor is not null
    and (c.expires_at is null or c.expires_at > now())
  cross join lateral (
    select case p.attributes ->> 'unit_price_per' when '1 kg' then 1000 when '100 g' then 100 end as grams
  ) u
  where p.attributes ->> 'pack' = 'coffee' and p.attributes ->> 'is_coffee' is distinct from 'false'
    and (p.expires_at is null or p.expires_at > now());

-- Roasters, as programs state them by rpc_upsert_roaster. `id` is that of the source.
create view api.roasters with (security_invoker = true) as
  select md5('source ' || s.id::text)::uuid as id, s.name as source, s.roaster ->> 'name' as name,
    s.name as slug, coalesce(s.roaster ->> 'platform', s.connector) as platform,
    s.roaster ->> 'website' as website, s.roaster ->> 'support_email' as support_email,
    s.roaster ->> 'instagram_handle' as instagram_handle, s.roaster -> 'social' as social_json
  from catalog.sources s where s.roaster is not null;

-- Relations for the Data API, as in 61_embeds.sql.
do $$
declare
  by_id constant text := 'f.source = $1.source and f.platform_product_id = $1.platform_product_id';
  its_product constant text := 'f.source = $1.source and f.external_id = $1.platform_product_id';
begin
  perform catalog.embed_view(name, from_view, to_view, row_estimate, condition) from (values
    ('variants', 'coffees',         'coffee_variants', 4, by_id),
    ('coffee',   'coffee_variants', 'coffees',         1, by_id),
    ('product',  'coffees',         'products',        1, its_product)
  ) as relation (name, from_view, to_view, row_estimate, condition);
end $$;
