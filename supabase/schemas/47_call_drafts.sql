-- Products as calls state them: the arguments of `api.rpc_…` become drafts, as `stage_records` takes them.
-- A caller makes these errors, so each has a message that names the value, and a hint.

-- refuse_call(message, hint): fails because of an argument.
--   errors      SQLSTATE 22023 (invalid_parameter_value), status 400 of the Data API
create function catalog.refuse_call(p_message text, p_hint text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception using errcode = 'invalid_parameter_value', message = p_message, hint = p_hint;
end $$;

-- count_decimals(currency) → decimals of the currency: DECIMALS in src/core/money.ts.
create function catalog.count_decimals(p_currency text) returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_currency = any (string_to_array(
      'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF', ' ')) then 0
    when p_currency = any (string_to_array('BHD IQD JOD KWD LYD OMR TND', ' ')) then 3
    when p_currency = any (string_to_array('CLF UYW', ' ')) then 4
    else 2 end
$$;

-- to_minor(amount, currency, what) → the amount in the currency's minor unit; null of null.
--   errors      see refuse_call: negative, above the safe integers, or with more decimals than the currency
create function catalog.to_minor(p_amount numeric, p_currency text, p_what text) returns bigint
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  minor numeric := p_amount * 10::numeric ^ catalog.count_decimals(p_currency);
begin
  if minor <> trunc(minor) then
    perform catalog.refuse_call(format('%s is %s: %s has %s', p_what, p_amount, p_currency,
      catalog.format_quantity(catalog.count_decimals(p_currency), 'decimal')),
      'Round the price as the shop shows it.');
  elsif not minor between 0 and 9007199254740991 then
    perform catalog.refuse_call(format('%s is %s', p_what, p_amount),
      'Give an amount from 0 on, in the unit of the currency: 12.50 for EUR 12.50.');
  end if;
  return minor::bigint;
end $$;

-- to_price(price, variant, currency) → a price of a draft.
--   price       {price_type (default list), price, compare_at_price, currency} in the unit of the currency,
--               or amount_minor and compare_at_minor instead. Without any amount the shop states none
--   p_currency  of the source, for a price without a currency
--   errors      see refuse_call
create function catalog.to_price(p_price jsonb, p_variant text, p_currency text) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  currency text := coalesce(p_price ->> 'currency', p_currency);
  what text := format('The price of the variant %s', p_variant);
begin
  if coalesce(currency, '') !~ '^[A-Z]{3}$' then
    perform catalog.refuse_call(format('%s has the currency "%s"', what, coalesce(currency, '')),
      'Name the currency in three capital letters of ISO 4217, such as EUR: it is never assumed.');
  end if;
  return jsonb_build_object('variant_external_id', p_variant,
    'price_type', coalesce(p_price ->> 'price_type', 'list'), 'currency', currency,
    'amount_minor', coalesce((p_price ->> 'amount_minor')::bigint,
      catalog.to_minor((p_price ->> 'price')::numeric, currency, what)),
    'compare_at_minor', coalesce((p_price ->> 'compare_at_minor')::bigint,
      catalog.to_minor((p_price ->> 'compare_at_price')::numeric, currency, what)));
end $$;

-- to_variant(variant, position) → a variant of a draft, from {platform_variant_id, title, sku, gtin, options,
-- weight_g, pack_count, availability or in_stock}. Unknown members are null.
create function catalog.to_variant(p_variant jsonb, p_position integer) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('external_id', p_variant ->> 'platform_variant_id', 'position', p_position,
    'title', p_variant ->> 'title', 'sku', p_variant ->> 'sku', 'gtin', p_variant ->> 'gtin',
    'options', coalesce(nullif(p_variant -> 'options', 'null'), '{}'),
    'weight_grams', (p_variant ->> 'weight_g')::double precision,
    'pack_count', (p_variant ->> 'pack_count')::integer,
    'availability', coalesce(p_variant ->> 'availability', case (p_variant ->> 'in_stock')::boolean
      when true then 'in_stock' when false then 'out_of_stock' end))
$$;

-- assert_list(name, value): fails if the argument is not a list of objects.
create function catalog.assert_list(p_name text, p_value jsonb) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if jsonb_typeof(p_value) <> 'array'
     or exists (select from jsonb_array_elements(p_value) e where jsonb_typeof(e) <> 'object') then
    perform catalog.refuse_call(format('%s is not a list of objects', p_name),
      format('Give %s as [{…}, {…}].', p_name));
  end if;
end $$;

-- find_draft_fault(draft) → what is wrong with the draft; null if the catalogue can have it. The rules are
-- those of src/core/bounded-draft.ts and src/pipeline/apply/duplicate-keys.ts.
create function catalog.find_draft_fault(p_draft jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  with variants as (
    select v, v ->> 'external_id' as id from jsonb_array_elements(p_draft -> 'variants') v
  ), prices as (
    select p, p ->> 'variant_external_id' as variant from jsonb_array_elements(p_draft -> 'prices') p
  ), images as (
    select i from jsonb_array_elements(p_draft -> 'images') i
  )
  select case
    when coalesce(p_draft ->> 'external_id', '') = '' then 'p_platform_product_id is empty'
    when coalesce(p_draft ->> 'status', '') not in ('draft', 'active', 'unavailable', 'filtered')
      then format('p_status is "%s": give draft, active or unavailable', p_draft ->> 'status')
    when jsonb_typeof(p_draft -> 'identifiers') <> 'object' then 'p_identifiers is not an object'
    when jsonb_typeof(p_draft -> 'attributes') <> 'object' then 'p_attributes is not an object'
    when jsonb_typeof(p_draft -> 'provenance') not in ('object', 'null')
      or p_draft @? '$.provenance.* ? (@.type() != "object")' then 'p_provenance is not an object of objects'
    when jsonb_typeof(p_draft -> 'warnings') not in ('array', 'null')
      or p_draft @? 'strict $.warnings[*] ? (@.type() != "string")' then 'p_warnings is not a list of texts'
    when p_draft ->> 'source_updated_at' like '%infinity' then 'p_source_updated_at is not an instant'
    when p_draft ->> 'expires_at' like '%infinity' then 'p_expires_at is not an instant'
    when (select count(*) from variants) not between 1 and 5000 then 'a product has 1 to 5,000 variants'
    when (select count(*) from images) > 1000 then 'a product has at most 1,000 images'
    else coalesce(
      (select 'a variant has no platform_variant_id' from variants where coalesce(id, '') = '' limit 1),
      (select format('two variants have the platform_variant_id %s', id) from variants
        group by id having count(*) > 1 limit 1),
      (select format('the weight of the variant %s is not a number of grams', id) from variants
        where not (v ->> 'weight_grams')::numeric between 0 and 9007199254740991 limit 1),
      (select format('the options of the variant %s are not an object', id) from variants
        where jsonb_typeof(v -> 'options') <> 'object' limit 1),
      (select format('the pack count of the variant %s is below 1', id) from variants
        where (v ->> 'pack_count')::integer < 1 limit 1),
      (select format('the GTIN of the variant %s does not have 8, 12, 13 or 14 digits', id) from variants
        where v ->> 'gtin' !~ '^([0-9]{8}|[0-9]{12,14})$' limit 1),
      (select format('the availability of the variant %s is "%s": give in_stock, out_of_stock, preorder or'
          ' discontinued', id, v ->> 'availability') from variants
        where v ->> 'availability' not in ('in_stock', 'out_of_stock', 'preorder', 'discontinued') limit 1),
      (select format('a price belongs to the variant %s, which the product does not have', variant)
        from prices where variant not in (select id from variants) limit 1),
      (select format('the price type "%s" is not a lower-case word', p ->> 'price_type') from prices
        where p ->> 'price_type' !~ '^[a-z][a-z_]*$' limit 1),
      (select format('the variant %s has two prices of the type %s', variant, p ->> 'price_type') from prices
        group by variant, p ->> 'price_type' having count(*) > 1 limit 1),
      (select format('the price of the variant %s is not from 0 to 9007199254740991', variant) from prices
        where not (p ->> 'amount_minor')::bigint between 0 and 9007199254740991
          or not (p ->> 'compare_at_minor')::bigint between 0 and 9007199254740991 limit 1),
      (select format('"%s" is not the address of an image', left(i ->> 'url', 100)) from images
        where coalesce(i ->> 'url', '') !~ '^https?://' limit 1),
      (select format('the sort_order %s of an image is negative', i ->> 'position') from images
        where (i ->> 'position')::integer < 0 limit 1),
      (select format('two images have the sort_order %s', i ->> 'position') from images
        group by i ->> 'position' having count(*) > 1 limit 1))
    end
$$;

-- list_stated_prices(source, product) → the newest statement about each price of listed variants.
create function catalog.list_stated_prices(p_source integer, p_product text) returns table (
  variant_external_id text, price_type text, amount_minor bigint, currency text, compare_at_minor bigint,
  state text
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select distinct on (p.variant_external_id, p.price_type) p.variant_external_id, p.price_type,
    p.amount_minor, p.currency, p.compare_at_minor, p.state
  from catalog.prices p
  join catalog.variants v on v.source_id = p_source and v.product_external_id = p_product
    and v.external_id = p.variant_external_id and v.removed_at is null
  where p.source_id = p_source and p.product_external_id = p_product
    and p.state in ('current', 'pending', 'held', 'rejected')
  order by p.variant_external_id, p.price_type, p.observed_at desc, p.run_id desc
$$;

-- list_open_disagreements(source, product) → the product's open disagreements, as a draft has them.
create function catalog.list_open_disagreements(p_source integer, p_product text)
returns table ("variantId" text, "priceType" text, claims jsonb)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select r.variant_external_id, r.price_type, r.detail -> 'claims' from catalog.reviews r
  where r.source_id = p_source and r.product_external_id = p_product and r.kind = 'disagreement'
    and r.state = 'open'
$$;

-- load_draft(source, product) → the product as the supplier stated it last, as a draft; null without one. A
-- price that waits for a decision, or was rejected, is among its prices, so that a call about something else
-- states it again and changes nothing about it. A product whose licence has ended has none.
create function catalog.load_draft(p_source integer, p_product text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('external_id', p.external_id, 'status',
      case p.status when 'removed' then 'active' else p.status end, 'title', p.title,
      'description', p.description, 'brand', p.brand, 'manufacturer', p.manufacturer, 'url', p.url,
      'identifiers', p.identifiers, 'attributes', p.attributes, 'successor', p.successor,
      'source_updated_at', p.source_updated_at, 'expires_at', p.expires_at, 'warnings', p.warnings,
      'provenance', p.provenance,
      'variants', coalesce((
        select jsonb_agg(jsonb_build_object('external_id', v.external_id, 'position', v.position,
          'title', v.title, 'sku', v.sku, 'gtin', v.gtin, 'options', v.options,
          'weight_grams', v.weight_grams::double precision, 'pack_count', v.pack_count,
          'availability', v.availability) order by v.position, v.external_id)
        from catalog.variants v
        where v.source_id = p_source and v.product_external_id = p_product and v.removed_at is null), '[]'),
      'images', coalesce((
        select jsonb_agg(jsonb_build_object('position', i.position, 'url', i.url, 'alt', i.alt)
          order by i.position)
        from catalog.images i where i.source_id = p_source and i.product_external_id = p_product), '[]'),
      'prices', coalesce((
        select jsonb_agg(to_jsonb(s) - 'state' order by s.variant_external_id, s.price_type)
        from catalog.list_stated_prices(p_source, p_product) s
        where not exists (
          select from catalog.list_open_disagreements(p_source, p_product) d
          where d."variantId" = s.variant_external_id and d."priceType" = s.price_type)), '[]'),
      'disagreements', (
        select jsonb_agg(to_jsonb(d)) from catalog.list_open_disagreements(p_source, p_product) d))
  from catalog.products p
  where p.source_id = p_source and p.external_id = p_product
    and (p.expires_at is null or p.expires_at > now())
$$;

-- drop_placeholder(draft) → the draft without its only variant if nothing is known of it: a product that was
-- written without variants has one with the id of the product.
create function catalog.drop_placeholder(p_draft jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_draft -> 'prices' = '[]' and p_draft -> 'variants' = jsonb_build_array(catalog.to_variant(
        jsonb_build_object('platform_variant_id', p_draft -> 'external_id'), 0))
      then p_draft || '{"variants": []}' else p_draft end
$$;
