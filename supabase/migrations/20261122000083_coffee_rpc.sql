-- Generated from supabase/schemas/83_coffee_rpc.sql until the first release: do not edit.

-- The calls for coffee, in the terms of catalogues of coffee. docs/coffee.md lists where their names differ.
-- As in rpc_upsert_variant, null leaves a value as it is, and each call is a separate run.

-- to_roaster_id(source) → the uuid by which `api.roasters` and the calls name the source.
create function catalog.to_roaster_id(p_source integer) returns uuid
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select md5('source ' || p_source::text)::uuid
$$;

-- find_roaster(text) → the name of the source with this name or roaster id; the text itself without one.
create function catalog.find_roaster(p_text text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce((
    select name from catalog.sources
    where p_text ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
      and catalog.to_roaster_id(id)::text = p_text), p_text)
$$;

-- to_coffee_status(text) → a status of a product, from one of catalogues of coffee.
--   errors      see refuse_call
create function catalog.to_coffee_status(p_status text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  case
    when p_status in ('active', 'seasonal') then return 'active';
    when p_status in ('unavailable', 'discontinued', 'archived') then return 'unavailable';
    when p_status in ('draft', 'hidden', 'coming_soon') then return 'draft';
    else perform catalog.refuse_call(format('p_status is "%s"', p_status),
      'Give active, seasonal, unavailable, discontinued, archived, draft, hidden or coming_soon.');
  end case;
end $$;

-- to_coffee_attributes(arguments) → the attributes of a coffee that the arguments state, without nulls.
--   errors      see refuse_call
create function catalog.to_coffee_attributes(p_arguments jsonb) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  level text := p_arguments ->> 'roast_level';
  altitude numeric := (p_arguments ->> 'altitude')::numeric;
begin
  if level not in ('light', 'light_medium', 'medium', 'medium_dark', 'dark') then
    perform catalog.refuse_call(format('p_roast_level is "%s"', level),
      'Give light, light_medium, medium, medium_dark or dark, and null if it is unknown.');
  elsif p_arguments ->> 'process' !~ '^[a-z][a-z0-9_:]*$' then
    perform catalog.refuse_call(format('p_process is "%s"', p_arguments ->> 'process'),
      'Give a lower-case word such as washed or carbonic_maceration, and null if it is unknown.');
  elsif not altitude between 0 and 9000 then
    perform catalog.refuse_call(format('p_altitude is %s', altitude), 'Give metres above sea level.');
  end if;
  return jsonb_strip_nulls(jsonb_build_object('pack', 'coffee', 'handle', p_arguments -> 'slug',
    'is_coffee', p_arguments -> 'is_coffee', 'species', p_arguments -> 'bean_species',
    'process', p_arguments -> 'process', 'roast_level', level, 'altitude_min', altitude,
    'altitude_max', altitude, 'country', p_arguments -> 'country', 'region', p_arguments -> 'region',
    'decaf', p_arguments -> 'decaf', 'flavour_notes', p_arguments -> 'flavors',
    'varieties', p_arguments -> 'varieties', 'clean_tags', p_arguments -> 'tags',
    'acidity', p_arguments -> 'acidity', 'body', p_arguments -> 'body',
    'aftertaste', p_arguments -> 'aftertaste', 'bitterness', p_arguments -> 'bitterness',
    'clarity', p_arguments -> 'clarity', 'sweetness', p_arguments -> 'sweetness',
    'is_limited', p_arguments -> 'is_limited', 'description_md', p_arguments -> 'description_md',
    'description_text', p_arguments -> 'description_cleaned'));
end $$;

-- to_coffee_provenance(arguments) → the words that the arguments quote, by the path of their value.
create function catalog.to_coffee_provenance(p_arguments jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(path, jsonb_build_object('raw', left(raw, 300), 'rule', 'call/quotation',
    'confidence', 1, 'place', 'call')), '{}')
  from (values
    ('attributes.process', p_arguments ->> 'process_raw'),
    ('attributes.roast_level', p_arguments ->> 'roast_level_raw'),
    ('attributes.roast_styles', p_arguments ->> 'roast_style_raw'),
    ('attributes.flavour_notes', p_arguments ->> 'notes_raw')) as quoted (path, raw)
  where raw is not null
$$;

-- to_coffee_draft(source, arguments) → the draft of the product with what the arguments state. A new product
-- has one variant with the id of the product, see rpc_upsert_variant.
create function catalog.to_coffee_draft(p_source catalog.sources, p_arguments jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  product text := p_arguments ->> 'platform_product_id';
  draft jsonb := coalesce(catalog.load_draft(p_source.id, product), catalog.to_draft(
    jsonb_build_object('platform_product_id', product, 'status', 'active'), null));
  first_variant text := draft -> 'variants' -> 0 ->> 'external_id';
  attributes jsonb := (draft -> 'attributes') || catalog.to_coffee_attributes(p_arguments);
  quoted jsonb := catalog.to_coffee_provenance(p_arguments);
  sku jsonb := p_arguments -> 'vendor_sku';
begin
  if p_arguments ->> 'default_grind' is not null then
    attributes := attributes || jsonb_build_object('grinds', coalesce(attributes -> 'grinds', '{}')
      || jsonb_build_object(first_variant, jsonb_build_array(p_arguments -> 'default_grind')));
  end if;
  if jsonb_typeof(sku) = 'string' then
    draft := jsonb_set(draft, '{variants, 0, sku}', sku);
  end if;
  if quoted <> '{}' then
    draft := draft
      || jsonb_build_object('provenance', coalesce(nullif(draft -> 'provenance', 'null'), '{}') || quoted);
  end if;
  return draft || jsonb_build_object('attributes', attributes) || jsonb_strip_nulls(jsonb_build_object(
    'title', coalesce(p_arguments ->> 'title_cleaned', p_arguments ->> 'name'),
    'description', p_arguments -> 'description_md', 'url', p_arguments -> 'direct_buy_url',
    'status', case when p_arguments ->> 'status' is not null
      then catalog.to_coffee_status(p_arguments ->> 'status') end));
end $$;

-- rpc_upsert_coffee(…): writes a coffee, or changes what the call states of one.
--   p_roaster_id   the name of the source, or the roaster_id of rpc_upsert_roaster
--   p_content_hash, p_raw_hash   accepted and not stored: the catalogue computes its own hashes
create function api.rpc_upsert_coffee(
  p_roaster_id text, p_platform_product_id text, p_name text, p_bean_species text default null,
  p_process text default null, p_roast_level text default null, p_slug text default null,
  p_description_md text default null, p_direct_buy_url text default null, p_process_raw text default null,
  p_roast_level_raw text default null, p_roast_style_raw text default null, p_acidity text default null,
  p_altitude numeric default null, p_body text default null, p_content_hash text default null,
  p_country text default null, p_decaf boolean default null, p_default_grind text default null,
  p_description_cleaned text default null, p_flavors text[] default null, p_notes_raw jsonb default null,
  p_raw_hash text default null, p_region text default null, p_source_raw jsonb default null,
  p_status text default null, p_tags text[] default null, p_title_cleaned text default null,
  p_varieties text[] default null, p_aftertaste text default null, p_bitterness text default null,
  p_clarity text default null, p_sweetness text default null, p_is_coffee boolean default null,
  p_is_limited boolean default null, p_vendor_sku text default null
) returns table (
  product_id uuid, outcome text, run bigint, state text, reason text, reviews bigint[], raw_payload_hash text
)
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s' as $$
#variable_conflict use_column
declare
  arguments jsonb := jsonb_strip_nulls(jsonb_build_object('platform_product_id', p_platform_product_id,
      'name', p_name, 'bean_species', p_bean_species, 'process', p_process, 'roast_level', p_roast_level,
      'slug', p_slug, 'description_md', p_description_md, 'direct_buy_url', p_direct_buy_url,
      'process_raw', p_process_raw, 'roast_level_raw', p_roast_level_raw,
      'roast_style_raw', p_roast_style_raw, 'acidity', p_acidity, 'altitude', p_altitude, 'body', p_body,
      'country', p_country, 'decaf', p_decaf, 'default_grind', p_default_grind,
      'description_cleaned', p_description_cleaned, 'flavors', p_flavors, 'notes_raw', p_notes_raw,
      'region', p_region, 'status', p_status, 'tags', p_tags, 'title_cleaned', p_title_cleaned))
    || jsonb_strip_nulls(jsonb_build_object('varieties', p_varieties, 'aftertaste', p_aftertaste,
      'bitterness', p_bitterness, 'clarity', p_clarity, 'sweetness', p_sweetness, 'is_coffee', p_is_coffee,
      'is_limited', p_is_limited, 'vendor_sku', p_vendor_sku, 'source_raw', p_source_raw));
  source catalog.sources := catalog.begin_call(catalog.find_roaster(p_roaster_id), arguments);
  is_new boolean := catalog.load_draft(source.id, p_platform_product_id) is null;
begin
  return query select * from catalog.apply_call(source, 'rpc_upsert_coffee', arguments,
    catalog.to_coffee_draft(source, arguments), case when is_new then coalesce(p_source_raw, arguments) end);
end $$;

-- rpc_upsert_roaster(…) → (roaster_id, source, outcome): states facts about the roaster of a source. Without
-- a source of the name `p_slug`, it adds one that is paused: programs can write to it, and it is synced after
-- `shelfsync sources resume`.
--   p_platform   shopify or woocommerce, to add a source; other platforms need `shelfsync add`
--   p_currency   ISO 4217: a Shopify shop does not state the currency of its prices
--   outcome      created, updated or unchanged
--   errors       see refuse_call
create function api.rpc_upsert_roaster(
  p_name text, p_slug text, p_platform text default null, p_website text default null,
  p_support_email text default null, p_instagram_handle text default null, p_social_json jsonb default null,
  p_currency text default null
) returns table (roaster_id uuid, source text, outcome text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s' as $$
#variable_conflict use_column
declare
  facts jsonb := jsonb_strip_nulls(jsonb_build_object('name', p_name, 'platform', p_platform,
    'website', p_website, 'support_email', p_support_email, 'instagram_handle', p_instagram_handle,
    'social', p_social_json));
  stored catalog.sources;
  outcome text := 'unchanged';
begin
  perform catalog.assert_call_role();
  if coalesce(p_slug, '') !~ '^[a-z0-9][a-z0-9-]{0,62}$' or octet_length(facts::text) > 65536
     or p_website !~ '^https?://' then
    perform catalog.refuse_call('The roaster cannot be stored',
      'Give p_slug as lower-case words joined by hyphens, p_website as an http address, and at most 64 KiB.');
  end if;
  if not exists (select from catalog.sources s where s.name = p_slug) then
    outcome := catalog.add_roaster_source(p_slug, p_platform, p_website, p_currency);
  end if;
  select * into stored from catalog.sources s where s.name = p_slug for update;
  if coalesce(stored.roaster, '{}') || facts <> coalesce(stored.roaster, '{}') then
    update catalog.sources s set roaster = coalesce(s.roaster, '{}') || facts where s.id = stored.id;
    outcome := case outcome when 'created' then outcome else 'updated' end;
  end if;
  return query select catalog.to_roaster_id(stored.id), p_slug, outcome;
end $$;

-- add_roaster_source(name, platform, website, currency) → created, or unchanged if another call added it.
--   errors      see refuse_call
create function catalog.add_roaster_source(p_name text, p_platform text, p_website text, p_currency text)
returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  origin text := substring(p_website from '^https?://[^/?#]+');
begin
  if coalesce(p_platform, '') not in ('shopify', 'woocommerce') or origin is null
     or p_platform = 'shopify' and coalesce(p_currency, '') !~ '^[A-Z]{3}$' then
    perform catalog.refuse_call(format(
        'The source "%s" does not exist, and the call does not say how to read it', p_name),
      'Give p_platform shopify with p_website and p_currency, or woocommerce with p_website;'
        || ' or add the shop first: shelfsync add');
  end if;
  insert into catalog.sources (name, connector, settings, schedule, options, state)
    values (p_name, p_platform,
      jsonb_build_object('url', origin)
        || case p_platform when 'shopify' then jsonb_build_object('currency', p_currency) else '{}' end,
      '{"cron": "30 2 * * *", "zone": "UTC", "fullOn": "none"}', '{"pack": "coffee"}', 'paused')
    on conflict (name) do nothing;
  return case when found then 'created' else 'unchanged' end;
end $$;
