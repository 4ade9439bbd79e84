-- Generated from supabase/schemas/36_enrichments.sql until the first release: do not edit.

-- Values that a later step, such as a language model, proposes for fields that the supplier leaves empty.
-- They are accepted by a person or by the threshold of the source, and kept beside the supplier's values.

-- find_stated_value(product, field) → the supplier's value of the field; null if it states none.
--   field       path as in products.provenance: title, attributes.process, variants.12.weightGrams
create function catalog.find_stated_value(p_product catalog.products, p_field text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  with path as (select string_to_array(p_field, '.') as names), stated as (
    select case names[1]
      when 'attributes' then p_product.attributes #> names[2:]
      when 'identifiers' then p_product.identifiers #> names[2:]
      when 'variants' then (
        select to_jsonb(v) -> regexp_replace(lower(regexp_replace(names[cardinality(names)], '([A-Z])',
            '_\1', 'g')), '^_', '')
        from catalog.variants v
        where v.source_id = p_product.source_id and v.product_external_id = p_product.external_id
          and v.external_id = array_to_string(names[2:cardinality(names) - 1], '.'))
      else jsonb_build_object('title', p_product.title, 'description', p_product.description,
        'brand', p_product.brand, 'manufacturer', p_product.manufacturer, 'url', p_product.url) -> p_field
    end as value
    from path
  )
  select value from stated where value not in ('null', '""', '[]', '{}')
$$;

-- accept_value(…): the value becomes the enrichment of the field, in place of an earlier one.
create function catalog.accept_value(
  p_source integer, p_product text, p_field text, p_value jsonb, p_quotation text, p_confidence numeric,
  p_model text, p_content_hash bytea, p_by text
) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  insert into catalog.enrichments as e (source_id, product_external_id, field, value, quotation, confidence,
      model, content_hash, accepted_at, accepted_by, expires_at)
    values (p_source, p_product, p_field, p_value, p_quotation, p_confidence, p_model, p_content_hash,
      clock_timestamp(), p_by, (
        select expires_at from catalog.products where source_id = p_source and external_id = p_product))
    on conflict (source_id, product_external_id, field) do update
      set value = excluded.value, quotation = excluded.quotation, confidence = excluded.confidence,
          model = excluded.model, content_hash = excluded.content_hash, accepted_at = excluded.accepted_at,
          accepted_by = excluded.accepted_by, expires_at = excluded.expires_at
$$;

-- is_known_value(source, product, field, value) → whether this value waits for a person, was rejected by
-- one, or is the enrichment already.
create function catalog.is_known_value(p_source integer, p_product text, p_field text, p_value jsonb)
returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
      select from catalog.reviews r
      where r.source_id = p_source and r.product_external_id = p_product and r.kind = 'proposal'
        and r.state in ('open', 'rejected') and r.detail ->> 'field' = p_field
        and r.detail -> 'value' = p_value)
    or exists (
      select from catalog.enrichments e
      where e.source_id = p_source and e.product_external_id = p_product and e.field = p_field
        and e.value = p_value)
$$;

-- propose_value(…) → (outcome, review): a value for an empty field of a product. Never writes the supplier's
-- values, the product's hashes or a price.
--   content_hash  of the product that was read: products.content_hash
--   threshold     confidence from which no person is asked; null: a person is always asked
--   outcome       proposed or accepted (its review supersedes an open one of the field; the threshold has
--                 approved that of an accepted value), known (see is_known_value), decided (a person has
--                 accepted another value for the same content), filled (the supplier states the field), or
--                 outdated (the product has changed, expired or been removed since it was read)
--   idempotent    the same proposal a second time is known
--   errors        usage/invalid  a price, an empty value, or no quotation
create function catalog.propose_value(
  p_source integer, p_product text, p_field text, p_value jsonb, p_quotation text, p_confidence numeric,
  p_model text, p_content_hash bytea, p_threshold numeric default null
) returns table (outcome text, review bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  product catalog.products;
  opened catalog.reviews;
begin
  if p_field ~* '(^|\.)(prices?|amount|currency|compare_?at)' then
    perform catalog.fail('usage/invalid',
      format('"%s" is a price: prices come from suppliers only', p_field));
  elsif p_field !~ '^(title|description|brand|manufacturer|url|(attributes|identifiers|variants)\..+)$' then
    perform catalog.fail('usage/invalid', format('"%s" is not a field of a product', p_field));
  elsif coalesce(p_value, 'null') in ('null', '""', '[]', '{}') or coalesce(p_quotation, '') = '' then
    perform catalog.fail('usage/invalid',
      format('The proposal for "%s" has no value or no quotation', p_field));
  end if;
  -- Proposals for one product wait for each other.
  select * into product from catalog.products
    where source_id = p_source and external_id = p_product for no key update;
  outcome := case
    when product.external_id is null or product.status = 'removed' or product.expires_at <= now()
      or product.content_hash <> p_content_hash then 'outdated'
    when catalog.find_stated_value(product, p_field) is not null then 'filled'
    when catalog.is_known_value(p_source, p_product, p_field, p_value) then 'known'
    when exists (
      select from catalog.enrichments e
      where e.source_id = p_source and e.product_external_id = p_product and e.field = p_field
        and e.content_hash = p_content_hash and e.accepted_by <> 'threshold') then 'decided'
    when p_confidence >= p_threshold then 'accepted'
    else 'proposed' end;
  if outcome in ('accepted', 'proposed') then
    update catalog.reviews r set state = 'superseded', decided_at = now()
      where r.source_id = p_source and r.product_external_id = p_product and r.kind = 'proposal'
        and r.state = 'open' and r.detail ->> 'field' = p_field;
    insert into catalog.reviews (source_id, kind, run_id, product_external_id, reason, detail, state,
        decided_at, decided_by)
      values (p_source, 'proposal', product.run_id, p_product,
        format('%s proposes a value for %s', p_model, p_field),
        jsonb_build_object('field', p_field, 'value', p_value, 'quotation', p_quotation,
          'confidence', p_confidence, 'model', p_model, 'contentHash', encode(p_content_hash, 'hex')),
        case outcome when 'accepted' then 'approved' else 'open' end,
        case outcome when 'accepted' then clock_timestamp() end,
        case outcome when 'accepted' then 'threshold' end)
      returning * into opened;
  end if;
  review := opened.id;
  if outcome = 'accepted' then
    perform catalog.accept_proposal(opened, 'threshold');
  end if;
  return next;
end $$;

-- find_shown_enrichment(product, field) → the accepted value as api.enrichments shows it; null without one.
create function catalog.find_shown_enrichment(p_product catalog.products, p_field text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select e.value from catalog.enrichments e
  where e.source_id = p_product.source_id and e.product_external_id = p_product.external_id
    and e.field = p_field
    and (e.content_hash = p_product.content_hash or e.expires_at is null or e.expires_at > now())
$$;

-- publish_value(review, value): publishes the change of the proposal's field to the value, before it is
-- accepted. Nothing is published for a value that readers see already, or for a product that is removed or
-- has expired. A description is left out of the detail, as in record_changes.
create function catalog.publish_value(p_review catalog.reviews, p_value jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  field constant text := p_review.detail ->> 'field';
  product catalog.products;
  before jsonb;
begin
  select * into product from catalog.products p
    where p.source_id = p_review.source_id and p.external_id = p_review.product_external_id;
  before := catalog.find_shown_enrichment(product, field);
  if before is distinct from p_value and product.status <> 'removed'
      and (product.expires_at is null or product.expires_at > now()) then
    perform catalog.publish_decision(p_review, 'updated', case field when 'description' then '{}'
      else jsonb_build_object(field, jsonb_build_array(before, p_value)) end);
  end if;
end $$;

-- accept_proposal(review, by): the proposed value becomes the enrichment, and its change is published.
create function catalog.accept_proposal(p_review catalog.reviews, p_by text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.publish_value(p_review, p_review.detail -> 'value');
  perform catalog.accept_value(p_review.source_id, p_review.product_external_id, p_review.detail ->> 'field',
    p_review.detail -> 'value', p_review.detail ->> 'quotation', (p_review.detail ->> 'confidence')::numeric,
    p_review.detail ->> 'model', decode(p_review.detail ->> 'contentHash', 'hex'), p_by);
end $$;
