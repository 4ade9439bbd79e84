-- Generated from supabase/schemas/60_views.sql until the first release: do not edit.

-- Views for readers, in schema `api`. They run with the reader's own rights (security_invoker), so a reader
-- sees what `catalog.publish(role)` granted to its role, and nothing before that. Expired data is never
-- shown: each view leaves out the rows of a product that has expired, by an index that holds only the
-- products that can expire.
--
-- A product's uuid is the md5 of its key. The other views take it from the product by an outer join: a query
-- that does not select `product_id` never makes that join, and a query for one `product_id` begins at the
-- index of products.

create view api.products with (security_invoker = true) as
  select md5(p.source_id::text || ' ' || p.external_id)::uuid as id, s.name as source, p.external_id,
    p.status, p.title, p.description, p.brand, p.manufacturer, p.url, p.identifiers, p.attributes,
    p.successor, md5(coalesce(p.successor_source, p.source_id)::text || ' ' || p.successor)::uuid
      as successor_id, p.source_updated_at, p.first_seen_at, p.changed_at, p.last_available_at, p.expires_at,
    p.warnings, p.provenance
  from catalog.products p join catalog.sources s on s.id = p.source_id
  where p.expires_at is null or p.expires_at > now();

-- Values that a model proposed for fields that the supplier leaves empty, and a person or a threshold has
-- accepted. Stale: the product has changed since the model read it.
create view api.enrichments with (security_invoker = true) as
  select md5(o.source_id::text || ' ' || o.external_id)::uuid as product_id, s.name as source,
    e.product_external_id, e.field, e.value as llm_enrichment, e.confidence as llm_confidence, e.quotation,
    e.model, e.content_hash <> o.content_hash as is_stale, e.accepted_at
  from catalog.enrichments e join catalog.sources s on s.id = e.source_id
    join catalog.products o on o.source_id = e.source_id and o.external_id = e.product_external_id
  where (o.expires_at is null or o.expires_at > now())
    -- Of a stale value, the quotation is from an earlier record, whose licence may have ended.
    and (e.content_hash = o.content_hash or e.expires_at is null or e.expires_at > now());

create view api.variants with (security_invoker = true) as
  select md5(o.source_id::text || ' ' || o.external_id)::uuid as product_id, s.name as source,
    v.product_external_id, v.external_id, v.position, v.title, v.sku, v.gtin, v.options, v.weight_grams,
    v.pack_count, v.availability
  from catalog.variants v join catalog.sources s on s.id = v.source_id
    left join catalog.products o on o.source_id = v.source_id and o.external_id = v.product_external_id
  where v.removed_at is null
    and not exists (
      select from catalog.products e
      where e.source_id = v.source_id and e.external_id = v.product_external_id and e.expires_at <= now());

create view api.prices with (security_invoker = true) as
  select md5(o.source_id::text || ' ' || o.external_id)::uuid as product_id, s.name as source,
    p.product_external_id, p.variant_external_id, p.price_type, p.amount_minor, p.currency,
    p.compare_at_minor, p.observed_at
  from catalog.prices p join catalog.sources s on s.id = p.source_id
    left join catalog.products o on o.source_id = p.source_id and o.external_id = p.product_external_id
  where p.state = 'current' and p.amount_minor is not null and (p.expires_at is null or p.expires_at > now())
    and not exists (
      select from catalog.products e
      where e.source_id = p.source_id and e.external_id = p.product_external_id and e.expires_at <= now());

create view api.price_history with (security_invoker = true) as
  select md5(o.source_id::text || ' ' || o.external_id)::uuid as product_id, s.name as source,
    p.product_external_id, p.variant_external_id, p.price_type, p.amount_minor, p.currency,
    p.compare_at_minor, p.observed_at, p.state = 'current' as is_current, p.run_id as run
  from catalog.prices p join catalog.sources s on s.id = p.source_id
    left join catalog.products o on o.source_id = p.source_id and o.external_id = p.product_external_id
  where p.state in ('current', 'past') and (p.expires_at is null or p.expires_at > now())
    and not exists (
      select from catalog.products e
      where e.source_id = p.source_id and e.external_id = p.product_external_id and e.expires_at <= now());

-- A person's decisions on prices: on one price, or on the run that the price waited for. Private; `api` has
-- the same for readers.
create view catalog.price_decisions with (security_invoker = true) as
  select p.source_id, p.product_external_id, p.variant_external_id, p.price_type, p.run_id, r.id as review,
    r.kind as decided, r.state as decision, r.reason, r.decided_by, r.decided_at
  from catalog.prices p
  join catalog.reviews r on r.source_id = p.source_id and r.state in ('approved', 'rejected')
    and (r.kind = 'run' and r.run_id = p.settled_run
      or (r.kind = 'price' or r.kind = 'disagreement' and r.state = 'approved') and r.run_id = p.run_id
        and r.product_external_id = p.product_external_id
        and r.variant_external_id = p.variant_external_id and r.price_type = p.price_type);

-- The decisions on prices with the name of the person, by the key of api.price_history. `publish` never
-- grants it: the prices may be public, the names of the people are not.
create view api.price_decisions with (security_invoker = true) as
  select s.name as source, d.product_external_id, d.variant_external_id, d.price_type, d.run_id as run,
    p.amount_minor, p.currency, d.decided, d.decision, d.reason, d.decided_by, d.decided_at
  from catalog.price_decisions d
  join catalog.sources s on s.id = d.source_id
  join catalog.prices p using (source_id, product_external_id, variant_external_id, price_type, run_id)
  where (p.expires_at is null or p.expires_at > now()) and not exists (
    select from catalog.products e
    where e.source_id = d.source_id and e.external_id = d.product_external_id and e.expires_at <= now());

create view api.images with (security_invoker = true) as
  select md5(o.source_id::text || ' ' || o.external_id)::uuid as product_id, s.name as source,
    i.product_external_id, i.position, i.url, i.alt, i.cdn_url, encode(i.sha256, 'hex') as sha256, b.type,
    b.width, b.height
  from catalog.images i join catalog.sources s on s.id = i.source_id
    left join catalog.blobs b on b.sha256 = i.sha256
    left join catalog.products o on o.source_id = i.source_id and o.external_id = i.product_external_id
  where not exists (
    select from catalog.products e
    where e.source_id = i.source_id and e.external_id = i.product_external_id and e.expires_at <= now());

create view api.brands with (security_invoker = true) as
  select s.name as source, b.external_id, b.name, b.attributes
  from catalog.brands b join catalog.sources s on s.id = b.source_id
  where b.expires_at is null or b.expires_at > now();

create view api.organizations with (security_invoker = true) as
  select s.name as source, o.external_id, o.name, o.attributes
  from catalog.organizations o join catalog.sources s on s.id = o.source_id
  where o.expires_at is null or o.expires_at > now();

create view api.categories with (security_invoker = true) as
  select s.name as source, c.external_id, c.name, c.parent_external_id, c.attributes
  from catalog.categories c join catalog.sources s on s.id = c.source_id
  where c.expires_at is null or c.expires_at > now();

-- Published changes. Values whose licence has ended are left out: a member that changed is an empty list. A
-- reader that follows `position` and remembers the highest one it has read skips none.
create view api.changes with (security_invoker = true) as
  select c.position, s.name as source, c.kind,
    md5(o.source_id::text || ' ' || o.external_id)::uuid as product_id, c.product_external_id,
    case when c.expires_at is null or c.expires_at > now() then c.detail else (
      -- As catalog.hide_detail, which readers may not call.
      select coalesce(jsonb_object_agg(name, '[]'::jsonb), '{}') from jsonb_object_keys(c.detail) name
      where name in ('status', 'title', 'description', 'brand', 'manufacturer', 'url', 'successor')
        or name like any ('{price:%,weight:%,availability:%}')
    ) end as detail, c.changed_at
  from catalog.changes c join catalog.sources s on s.id = c.source_id
    left join catalog.products o on o.source_id = c.source_id and o.external_id = c.product_external_id
  where c.position is not null
    and not exists (
      select from catalog.products e
      where e.source_id = c.source_id and e.external_id = c.product_external_id and e.expires_at <= now());

-- MediPim's catalogue with MediPim's own terms: every status, and prices in cents as MediPim states them. The
-- raw record is in `medipim_products_raw`, because a role without the right to it could not `select *` here.
create view api.medipim_products with (security_invoker = true) as
  select p.external_id as id, p.title as name, public.amount_minor as price_cents,
    p.changed_at as updated_at, p.status, s.name as source,
    p.attributes ->> 'supplier_status' as supplier_status, p.successor as replacement,
    manufacturer.amount_minor as manufacturer_price_cents, pharmacist.amount_minor as pharmacist_price_cents,
    (p.attributes ->> 'vat_rate')::numeric as vat_rate, public.currency, p.identifiers -> 'ean' as ean,
    p.identifiers ->> 'ean_gtin8' as ean_gtin8, p.identifiers ->> 'ean_gtin12' as ean_gtin12,
    p.identifiers ->> 'ean_gtin13' as ean_gtin13, p.identifiers ->> 'ean_gtin14' as ean_gtin14,
    p.identifiers ->> 'artg_id' as artg_id, p.identifiers ->> 'pbs' as pbs, p.identifiers ->> 'fred' as fred,
    p.identifiers ->> 'z_code' as z_code, p.identifiers ->> 'snomed_mp' as snomed_mp,
    p.identifiers ->> 'snomed_mpp' as snomed_mpp, p.identifiers ->> 'snomed_mpuu' as snomed_mpuu,
    p.identifiers ->> 'snomed_tp' as snomed_tp, p.identifiers ->> 'snomed_tpp' as snomed_tpp,
    p.identifiers ->> 'snomed_tpuu' as snomed_tpuu, p.identifiers ->> 'snomed_ctpp' as snomed_ctpp,
    p.identifiers ->> 'hs_code' as hs_code, p.identifiers ->> 'cnk' as cnk,
    p.identifiers ->> 'acl13' as acl13, p.identifiers ->> 'cip13' as cip13, p.identifiers ->> 'pzn' as pzn,
    p.identifiers ->> 'supplier_reference' as supplier_reference, p.identifiers -> 'atc' as atc,
    p.identifiers ->> 'gs1_category' as gs1_category, p.brand, p.manufacturer as organization,
    p.source_updated_at
  from catalog.products p
  join catalog.sources s on s.id = p.source_id and s.connector = 'medipim'
  left join catalog.prices public
    on public.source_id = p.source_id and public.product_external_id = p.external_id
    and public.variant_external_id = p.external_id and public.price_type = 'public'
    and public.state = 'current' and (public.expires_at is null or public.expires_at > now())
  left join catalog.prices manufacturer
    on manufacturer.source_id = p.source_id and manufacturer.product_external_id = p.external_id
    and manufacturer.variant_external_id = p.external_id and manufacturer.price_type = 'manufacturer'
    and manufacturer.state = 'current'
    and (manufacturer.expires_at is null or manufacturer.expires_at > now())
  left join catalog.prices pharmacist
    on pharmacist.source_id = p.source_id and pharmacist.product_external_id = p.external_id
    and pharmacist.variant_external_id = p.external_id and pharmacist.price_type = 'pharmacist'
    and pharmacist.state = 'current' and (pharmacist.expires_at is null or pharmacist.expires_at > now())
  where p.expires_at is null or p.expires_at > now();

-- The same products with the record as MediPim sent it. `publish` never grants it.
create view api.medipim_products_raw with (security_invoker = true) as
  select p.external_id as id, p.title as name, c.amount_minor as price_cents, p.changed_at as updated_at,
    p.raw::jsonb as raw, s.name as source
  from catalog.products p
  join catalog.sources s on s.id = p.source_id and s.connector = 'medipim'
  left join catalog.prices c on c.source_id = p.source_id and c.product_external_id = p.external_id
    and c.variant_external_id = p.external_id and c.price_type = 'public' and c.state = 'current'
    and (c.expires_at is null or c.expires_at > now())
  where p.expires_at is null or p.expires_at > now();
