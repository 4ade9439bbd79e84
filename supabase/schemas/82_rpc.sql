-- The calls of schema `api`: small writes of one product each, for secret keys. docs/data-api.md describes
-- them. They return one row: see apply_call. A role may call them after `allow_calls`.

-- Roles that may write by calls.
create table catalog.call_roles (
  role               name primary key
);

-- assert_call_role(): refuses a caller that `allow_calls` has not admitted.
--   errors      see assert_admitted
create function catalog.assert_call_role() returns void
language sql stable set search_path = pg_catalog, pg_temp as $$
  select catalog.assert_admitted('api', array(select role from catalog.call_roles),
    'write to the catalogue', 'select catalog.allow_calls(%L)')
$$;

-- begin_call(source, arguments) → the source, locked, after the checks that every call needs.
--   errors      see assert_call_role, refuse_call and lock_called_source
create function catalog.begin_call(p_source text, p_arguments jsonb) returns catalog.sources
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_call_role();
  if octet_length(p_arguments::text) > 1048576 then
    perform catalog.refuse_call(format('The arguments have %s bytes: a call takes at most 1 MiB',
      octet_length(p_arguments::text)), 'Leave out p_source_raw, or shorten the lists.');
  end if;
  return catalog.lock_called_source(p_source);
end $$;

-- load_called_draft(source, product) → see load_draft.
--   errors      SQLSTATE PT404
create function catalog.load_called_draft(p_source catalog.sources, p_product text) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  draft jsonb := catalog.load_draft(p_source.id, p_product);
begin
  if draft is null then
    raise exception using errcode = 'PT404',
      message = format('%s has no product "%s"', p_source.name, left(p_product, 200)),
      hint = 'Write the product first, or again if its licence has ended: rpc_upsert_product.';
  end if;
  return draft;
end $$;

-- rpc_upsert_product(…): writes a whole product with its variants, prices and images. Members that the call
-- leaves out are unknown afterwards, and a price that it leaves out is withdrawn.
--   p_variants  [{platform_variant_id, title, sku, gtin, options, weight_g, pack_count, availability or
--               in_stock, and the price of the variant: see to_price}]; null: one variant with the id of the
--               product
--   p_prices    [{platform_variant_id (default: the id of the product), and see to_price}], more prices
--   p_images    [{url, alt, sort_order (default: the place in the list)}]
create function api.rpc_upsert_product(
  p_source text, p_platform_product_id text, p_name text, p_description_md text default null,
  p_direct_buy_url text default null, p_status text default 'active', p_brand text default null,
  p_manufacturer text default null, p_identifiers jsonb default '{}', p_attributes jsonb default '{}',
  p_variants jsonb default null, p_prices jsonb default '[]', p_images jsonb default '[]',
  p_successor text default null, p_source_updated_at timestamptz default null,
  p_expires_at timestamptz default null, p_warnings jsonb default null, p_provenance jsonb default null,
  p_source_raw jsonb default null
) returns table (
  product_id uuid, outcome text, run bigint, state text, reason text, reviews bigint[], raw_payload_hash text
)
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s' as $$
#variable_conflict use_column
declare
  arguments jsonb := jsonb_build_object('platform_product_id', p_platform_product_id, 'name', p_name,
    'description_md', p_description_md, 'direct_buy_url', p_direct_buy_url, 'status', p_status,
    'brand', p_brand, 'manufacturer', p_manufacturer, 'identifiers', p_identifiers,
    'attributes', p_attributes, 'variants', p_variants, 'prices', p_prices, 'images', p_images,
    'successor', p_successor, 'source_updated_at', p_source_updated_at, 'expires_at', p_expires_at,
    'warnings', p_warnings, 'provenance', p_provenance, 'source_raw', p_source_raw);
  source catalog.sources := catalog.begin_call(p_source, arguments);
begin
  return query select * from catalog.apply_call(source, 'rpc_upsert_product', arguments,
    catalog.to_draft(arguments, source.settings ->> 'currency'), coalesce(p_source_raw, arguments));
end $$;

-- to_draft(arguments, currency) → the draft that the arguments of rpc_upsert_product state, without `p_`.
--   p_currency  of the source, for prices without a currency
create function catalog.to_draft(p_arguments jsonb, p_currency text) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  product text := p_arguments ->> 'platform_product_id';
  variants jsonb := coalesce(nullif(p_arguments -> 'variants', 'null'),
    jsonb_build_array(jsonb_build_object('platform_variant_id', product)));
  prices jsonb := coalesce(nullif(p_arguments -> 'prices', 'null'), '[]');
  images jsonb := coalesce(nullif(p_arguments -> 'images', 'null'), '[]');
begin
  perform catalog.assert_list('p_variants', variants), catalog.assert_list('p_prices', prices),
    catalog.assert_list('p_images', images);
  return jsonb_build_object('external_id', product, 'status', p_arguments -> 'status',
    'title', p_arguments -> 'name', 'description', p_arguments -> 'description_md',
    'brand', p_arguments -> 'brand', 'manufacturer', p_arguments -> 'manufacturer',
    'url', p_arguments -> 'direct_buy_url',
    'identifiers', coalesce(nullif(p_arguments -> 'identifiers', 'null'), '{}'),
    'attributes', coalesce(nullif(p_arguments -> 'attributes', 'null'), '{}'),
    'successor', p_arguments -> 'successor', 'source_updated_at', p_arguments -> 'source_updated_at',
    'expires_at', p_arguments -> 'expires_at', 'warnings', p_arguments -> 'warnings',
    'provenance', p_arguments -> 'provenance', 'disagreements', null,
    'variants', (
      select jsonb_agg(catalog.to_variant(v, place::integer - 1) order by place)
      from jsonb_array_elements(variants) with ordinality e (v, place)),
    'prices', coalesce((
      select jsonb_agg(catalog.to_price(p, variant, p_currency))
      from (
        select v as p, v ->> 'platform_variant_id' as variant from jsonb_array_elements(variants) v
        where v ?| '{price,amount_minor}'
        union all
        select p, coalesce(p ->> 'platform_variant_id', product) from jsonb_array_elements(prices) p
      ) stated), '[]'),
    'images', coalesce((
      select jsonb_agg(jsonb_build_object('url', i -> 'url', 'alt', i -> 'alt',
        'position', coalesce((i ->> 'sort_order')::integer, place::integer - 1)) order by place)
      from jsonb_array_elements(images) with ordinality e (i, place)), '[]'));
end $$;

-- replace_element(list, key, element) → the list with the element in the place of the one with the same
-- value of `p_key`, or at its end.
create function catalog.replace_element(p_list jsonb, p_key text, p_element jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case
    when exists (select from jsonb_array_elements(p_list) e where e -> p_key = p_element -> p_key) then (
      select jsonb_agg(case when e -> p_key = p_element -> p_key then p_element else e end order by place)
      from jsonb_array_elements(p_list) with ordinality l (e, place))
    else p_list || p_element end
$$;

-- replace_price(draft, price) → the draft with this price instead of the one of its variant and type, and
-- without a disagreement about it.
create function catalog.replace_price(p_draft jsonb, p_price jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select p_draft || jsonb_build_object(
    'prices', (
      select coalesce(jsonb_agg(e), '[]') || p_price
      from jsonb_array_elements(p_draft -> 'prices') e
      where (e ->> 'variant_external_id', e ->> 'price_type')
        <> (p_price ->> 'variant_external_id', p_price ->> 'price_type')),
    'disagreements', (
      select jsonb_agg(d) from jsonb_array_elements(nullif(p_draft -> 'disagreements', 'null')) d
      where (d ->> 'variantId', d ->> 'priceType')
        <> (p_price ->> 'variant_external_id', p_price ->> 'price_type')))
$$;

-- rpc_upsert_variant(…): adds a variant to a product, or changes what the call states of one; null leaves a
-- value as it is.
--   p_price     see to_price; null: the price of the variant stays
create function api.rpc_upsert_variant(
  p_source text, p_platform_product_id text, p_platform_variant_id text, p_title text default null,
  p_sku text default null, p_gtin text default null, p_options jsonb default null,
  p_weight_g numeric default null, p_pack_count integer default null, p_availability text default null,
  p_in_stock boolean default null, p_price numeric default null, p_compare_at_price numeric default null,
  p_currency text default null, p_price_type text default 'list'
) returns table (
  product_id uuid, outcome text, run bigint, state text, reason text, reviews bigint[], raw_payload_hash text
)
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s' as $$
#variable_conflict use_column
declare
  arguments jsonb := jsonb_strip_nulls(jsonb_build_object('platform_product_id', p_platform_product_id,
    'platform_variant_id', p_platform_variant_id, 'title', p_title, 'sku', p_sku, 'gtin', p_gtin,
    'options', p_options, 'weight_g', p_weight_g, 'pack_count', p_pack_count,
    'availability', p_availability, 'in_stock', p_in_stock, 'price', p_price,
    'compare_at_price', p_compare_at_price, 'currency', p_currency, 'price_type', p_price_type));
  source catalog.sources := catalog.begin_call(p_source, arguments);
  draft jsonb := catalog.load_called_draft(source, p_platform_product_id);
  known jsonb := (
    select v from jsonb_array_elements(draft -> 'variants') v
    where v ->> 'external_id' = p_platform_variant_id);
  stated jsonb := catalog.to_variant(arguments, coalesce((known ->> 'position')::integer, (
    select max((v ->> 'position')::integer) + 1 from jsonb_array_elements(draft -> 'variants') v), 0));
begin
  if p_options is null then
    stated := stated - 'options';
  end if;
  if known is null then
    draft := catalog.drop_placeholder(draft);
  end if;
  draft := draft || jsonb_build_object('variants', catalog.replace_element(draft -> 'variants', 'external_id',
    coalesce(known, catalog.to_variant('{}', 0)) || jsonb_strip_nulls(stated)));
  if p_price is not null then
    draft := catalog.replace_price(draft,
      catalog.to_price(arguments, p_platform_variant_id, source.settings ->> 'currency'));
  end if;
  return query select * from catalog.apply_call(source, 'rpc_upsert_variant', arguments, draft, null);
end $$;

-- rpc_insert_price(…): states the price of a variant. It becomes current, or is held by a gate.
--   p_price     in the unit of the currency, 12.50 for EUR 12.50; null: the shop no longer states one
create function api.rpc_insert_price(
  p_source text, p_platform_product_id text, p_platform_variant_id text, p_price numeric,
  p_currency text default null, p_compare_at_price numeric default null, p_price_type text default 'list'
) returns table (
  product_id uuid, outcome text, run bigint, state text, reason text, reviews bigint[], raw_payload_hash text
)
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s' as $$
#variable_conflict use_column
declare
  arguments jsonb := jsonb_build_object('platform_product_id', p_platform_product_id,
    'platform_variant_id', p_platform_variant_id, 'price', p_price, 'currency', p_currency,
    'compare_at_price', p_compare_at_price, 'price_type', p_price_type);
  source catalog.sources := catalog.begin_call(p_source, arguments);
  draft jsonb := catalog.load_called_draft(source, p_platform_product_id);
begin
  return query select * from catalog.apply_call(source, 'rpc_insert_price', arguments,
    catalog.replace_price(draft,
      catalog.to_price(arguments, p_platform_variant_id, source.settings ->> 'currency')), null);
end $$;

-- rpc_upsert_image(…): adds an image to a product, or changes the text and the place of the one with this
-- address.
--   p_sort_order   from 0; the image that is there is replaced. Null: the place that it has, or the next one
create function api.rpc_upsert_image(
  p_source text, p_platform_product_id text, p_url text, p_alt text default null,
  p_sort_order integer default null
) returns table (
  product_id uuid, outcome text, run bigint, state text, reason text, reviews bigint[], raw_payload_hash text
)
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s' as $$
#variable_conflict use_column
declare
  arguments jsonb := jsonb_build_object('platform_product_id', p_platform_product_id, 'url', p_url,
    'alt', p_alt, 'sort_order', p_sort_order);
  source catalog.sources := catalog.begin_call(p_source, arguments);
  draft jsonb := catalog.load_called_draft(source, p_platform_product_id);
  images jsonb := draft -> 'images';
  known jsonb := (select i from jsonb_array_elements(images) i where i ->> 'url' = p_url limit 1);
  place integer := coalesce(p_sort_order, (known ->> 'position')::integer, (
    select max((i ->> 'position')::integer) + 1 from jsonb_array_elements(images) i), 0);
begin
  images := (
    select coalesce(jsonb_agg(i order by (i ->> 'position')::integer), '[]')
    from jsonb_array_elements(images || jsonb_build_object('url', p_url,
      'alt', coalesce(to_jsonb(p_alt), known -> 'alt'), 'position', place)) with ordinality e (i, n)
    where n > jsonb_array_length(images)
      or i ->> 'url' <> p_url and (i ->> 'position')::integer <> place);
  return query select * from catalog.apply_call(source, 'rpc_upsert_image', arguments,
    draft || jsonb_build_object('images', images), null);
end $$;

-- rpc_check_content_hash(source, product, hash) → whether the product is as the call left it that returned
-- this `raw_payload_hash`; no call is needed then.
create function api.rpc_check_content_hash(
  p_source text, p_platform_product_id text, p_raw_payload_hash text
) returns table (is_known boolean)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_call_role();
  return query select exists (
    select from catalog.products p join catalog.sources s on s.id = p.source_id
    where s.name = p_source and p.external_id = p_platform_product_id and p.status <> 'removed'
      and encode(p.record_hash, 'hex') = lower(p_raw_payload_hash));
end $$;

-- list_calls() → the calls of schema api, each as `name(types)`.
create function catalog.list_calls() returns setof text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select oid::regprocedure::text from pg_proc
  where pronamespace = 'api'::regnamespace and starts_with(proname, 'rpc_') order by 1
$$;

-- allow_calls(role): lets a role write to the catalogue by the calls of schema api. A migration that adds a
-- call repeats it.
create function catalog.allow_calls(writer text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  call text;
begin
  perform catalog.assert_role(writer);
  execute format('grant usage on schema api to %I', writer);
  for call in select catalog.list_calls() loop
    execute format('grant execute on function %s to %I', call, writer);
  end loop;
  insert into catalog.call_roles (role) values (writer) on conflict do nothing;
end $$;

-- refuse_calls(role): takes back every right of `allow_calls`; those of `publish` stay.
create function catalog.refuse_calls(writer text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  call text;
begin
  delete from catalog.call_roles where role = writer;
  for call in select catalog.list_calls() loop
    execute format('revoke execute on function %s from %I', call, writer);
  end loop;
  if writer <> all (catalog.list_readers()) then
    execute format('revoke usage on schema api from %I', writer);
  end if;
end $$;
