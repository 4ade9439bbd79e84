-- Generated from supabase/schemas/39_variant_changes.sql until the first release: do not edit.

-- Changes of variants that the changes of products record: smaller packages at the same price or a higher
-- one, so that the price of a gram has risen, and availability.

-- explain_package_size(weight before, after, price before, after) → `250 g → 225 g at the same price: +11 %
-- per 100 g`.
create function catalog.explain_package_size(
  p_weight_before numeric, p_weight numeric, p_price_before bigint, p_price bigint
) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select format('%s g → %s g at %s: +%s %% per 100 g', trim_scale(p_weight_before), trim_scale(p_weight),
    case when p_price = p_price_before then 'the same price' else 'a higher price' end,
    round(100 * (p_price::numeric * p_weight_before / (p_price_before * p_weight) - 1)))
$$;

-- list_smaller_packages(source) → (line_no, detail): staged variants of updated products with less net weight
-- than before, for at least the current price in the same currency. A variant is the same by its id, or by
-- its GTIN within the product.
--   detail      {weight:<variant>: [before, after, the explanation]}, weights in grams
create function catalog.list_smaller_packages(p_source integer)
returns table (line_no integer, detail jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  return query select n.line_no, jsonb_object_agg('weight:' || n.external_id,
    jsonb_build_array(o.weight_grams, n.weight_grams, catalog.explain_package_size(o.weight_grams,
      n.weight_grams::numeric, p.amount_before, p.amount_minor)))
  from pg_temp.staged_variants n
  join pg_temp.verdicts j on j.line_no = n.line_no and j.verdict = 'updated'
  cross join lateral (
    select v.external_id, v.weight_grams from catalog.variants v
    where v.source_id = p_source and v.product_external_id = j.external_id and v.removed_at is null
      and (v.external_id = n.external_id or v.gtin = n.gtin)
    order by v.external_id = n.external_id desc limit 1
  ) o
  cross join lateral (
    select c.amount_minor as amount_before, s.amount_minor
    from catalog.prices c
    join pg_temp.staged_prices s on s.line_no = n.line_no and s.variant_external_id = n.external_id
      and s.price_type = c.price_type and s.currency = c.currency
    where c.source_id = p_source and c.product_external_id = j.external_id
      and c.variant_external_id = o.external_id and c.state = 'current'
      and c.amount_minor > 0 and s.amount_minor >= c.amount_minor
    order by c.price_type limit 1
  ) p
  where n.weight_grams > 0 and n.weight_grams < o.weight_grams
    and catalog.is_shown(p_source, j.external_id)
  group by n.line_no;
end $$;

-- list_availability_changes(source) → (line_no, detail): variants of updated products that have another
-- availability than before.
--   detail      {availability:<variant>: [before, after]}. A variant that the product did not list before, or
--               lists no longer, is not in it
create function catalog.list_availability_changes(p_source integer)
returns table (line_no integer, detail jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  return query select n.line_no, jsonb_object_agg('availability:' || n.external_id,
    jsonb_build_array(o.availability, n.availability))
  from pg_temp.staged_variants n
  join pg_temp.verdicts j on j.line_no = n.line_no and j.verdict = 'updated'
  cross join lateral (
    select v.availability from catalog.variants v
    where v.source_id = p_source and v.product_external_id = j.external_id and v.external_id = n.external_id
      and v.removed_at is null
    offset 0
  ) o
  where n.availability is distinct from o.availability and catalog.is_shown(p_source, j.external_id)
  group by n.line_no;
end $$;
