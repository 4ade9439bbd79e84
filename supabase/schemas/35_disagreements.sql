-- Prices that a supplier states in different ways. Such a price is not among the prices of its record: the
-- last good one stays, and one review of kind `disagreement` has all claims with their quotations.

-- list_claims(claims) → the claims without their quotations, as a set: two lists of claims that differ only
-- in their order and words are the same disagreement.
create function catalog.list_claims(p_claims jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_agg(distinct claim - 'quotation') from jsonb_array_elements(p_claims) claim
$$;

-- explain_disagreement(claims) → `json-ld and microdata state different prices`.
create function catalog.explain_disagreement(p_claims jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case count(*)
    when 1 then max(source) || ' states different prices'
    else regexp_replace(string_agg(source, ', ' order by place), ', ([^,]+)$', ' and \1')
      || ' state different prices'
    end
  from (
    select claim ->> 'source' as source, min(place) as place
    from jsonb_array_elements(p_claims) with ordinality c (claim, place) group by 1
  ) sources
$$;

-- is_known_disagreement(source, product, variant, price_type, claims) → whether a person has these claims
-- before them, or has decided on them and no other price has been stated since.
create function catalog.is_known_disagreement(
  p_source integer, p_product text, p_variant text, p_price_type text, p_claims jsonb
) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from catalog.reviews r
    where r.source_id = p_source and r.product_external_id = p_product and r.kind = 'disagreement'
      and r.state <> 'superseded' and r.variant_external_id = p_variant and r.price_type = p_price_type
      and catalog.list_claims(r.detail -> 'claims') = catalog.list_claims(p_claims)
      and (r.state = 'open' or not exists (
        select from catalog.prices p
        where p.source_id = p_source and p.product_external_id = p_product
          and p.variant_external_id = p_variant and p.price_type = p_price_type
          and p.observed_at > r.decided_at)))
$$;

-- judge_disagreements(source): adds the price verdicts of disagreements, after judge_prices.
--   disputed    a disagreement that no person has seen; its product is held
--   kept        the price is in disagreement no longer, so that its review is superseded
--   A price in disagreement is absent from the record, and is not withdrawn. A source without disagreements
--   costs two look-ups a batch.
create function catalog.judge_disagreements(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  if not exists (select from pg_temp.staged_products where disagreements is not null)
     and not exists (
       select from catalog.reviews
       where source_id = p_source and kind = 'disagreement' and state = 'open') then
    return;
  end if;
  delete from pg_temp.price_verdicts q using catalog.list_staged_disagreements() d
    where q.line_no = d.line_no and q.variant_external_id = d.variant and q.price_type = d.price_type;
  insert into pg_temp.price_verdicts
    select d.line_no, d.external_id, d.variant, d.price_type, null,
      coalesce(c.currency, d.claims #>> '{0,currency}'), null, c.amount_minor, c.currency, 'disputed',
      catalog.explain_disagreement(d.claims), d.claims
    from catalog.list_staged_disagreements() d
    left join catalog.prices c on c.source_id = p_source and c.product_external_id = d.external_id
      and c.variant_external_id = d.variant and c.price_type = d.price_type and c.state = 'current'
    where not catalog.is_known_disagreement(p_source, d.external_id, d.variant, d.price_type, d.claims);
  insert into pg_temp.price_verdicts
    select j.line_no, j.external_id, r.variant_external_id, r.price_type, c.amount_minor,
      coalesce(c.currency, r.detail ->> 'currency'), c.compare_at_minor, c.amount_minor, c.currency, 'kept'
    from pg_temp.verdicts j
    join catalog.reviews r on r.source_id = p_source and r.product_external_id = j.external_id
      and r.kind = 'disagreement' and r.state = 'open'
    left join catalog.prices c on c.source_id = p_source and c.product_external_id = j.external_id
      and c.variant_external_id = r.variant_external_id and c.price_type = r.price_type
      and c.state = 'current'
    where j.verdict in ('updated', 'unchanged') and not exists (
        select from pg_temp.price_verdicts q
        where q.line_no = j.line_no and q.variant_external_id = r.variant_external_id
          and q.price_type = r.price_type)
      and not exists (
        select from catalog.list_staged_disagreements() d
        where d.line_no = j.line_no and d.variant = r.variant_external_id and d.price_type = r.price_type);
  update pg_temp.verdicts j set held = true
    where j.verdict = 'created'
      and j.line_no in (select q.line_no from pg_temp.price_verdicts q where q.state = 'disputed');
end $$;

-- list_staged_disagreements() → the disagreements of staged records that decide about their product.
create function catalog.list_staged_disagreements()
returns table (line_no integer, external_id text, variant text, price_type text, claims jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  return query
    select j.line_no, j.external_id::text, d."variantId", d."priceType", d.claims
    from pg_temp.staged_products s
    join pg_temp.verdicts j on j.line_no = s.line_no
    cross join lateral jsonb_to_recordset(s.disagreements)
      as d ("variantId" text, "priceType" text, claims jsonb)
    where s.disagreements is not null and j.verdict in ('created', 'updated', 'unchanged');
end $$;
