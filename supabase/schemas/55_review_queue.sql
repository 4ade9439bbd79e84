-- The queue of reviews: everything that waits for a person, with filters, and the evidence for each decision.

-- measure_price_change(review) → the change from the last good price to the held one in percent, such as 60
-- or -25; null without two prices that can be compared.
create function catalog.measure_price_change(p_review catalog.reviews) returns numeric
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
    when p_review.kind <> 'price' or p_review.expires_at <= now()
      or starts_with(p_review.reason, 'the currency changed') then null
    when (p_review.detail ->> 'from')::numeric > 0 then round(
      ((p_review.detail ->> 'to')::numeric / (p_review.detail ->> 'from')::numeric - 1) * 100, 1)
  end
$$;

-- names_product(review, text) → whether the id or the title of the review's product contains the text, in any
-- case. Titles whose licence has ended are not searched.
create function catalog.names_product(p_review catalog.reviews, p_text text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select position(lower(p_text) in lower(p_review.product_external_id)) > 0 or exists (
    select from catalog.products p
    where p.source_id = p_review.source_id and p.external_id = p_review.product_external_id
      and position(lower(p_text) in lower(catalog.show_title(p))) > 0)
$$;

-- match_reviews(filter, after, limit) → open reviews that match, the oldest first, opened after the review
-- `p_after`.
--   p_filter    {source, kind, run, text, openedBefore, openedSince, changeMin, changeMax, direction}, each
--               optional. Changes are in percent, up or down, unless the direction is `rise` or `fall`
--   p_limit     null: all
create function catalog.match_reviews(p_filter jsonb, p_after bigint, p_limit integer)
returns setof catalog.reviews
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  source text := p_filter ->> 'source';
  of_source integer := (select s.id from catalog.sources s where s.name = source);
  of_kind text := p_filter ->> 'kind';
  of_run bigint := p_filter ->> 'run';
  words text := p_filter ->> 'text';
  before timestamptz := p_filter ->> 'openedBefore';
  since timestamptz := p_filter ->> 'openedSince';
  change_min numeric := p_filter ->> 'changeMin';
  change_max numeric := p_filter ->> 'changeMax';
  direction text := p_filter ->> 'direction';
begin
  return query
    select v.* from catalog.reviews v
    where v.state = 'open' and v.id > coalesce(p_after, 0)
      and (source is null or v.source_id = of_source) and (of_kind is null or v.kind = of_kind)
      and (of_run is null or v.run_id = of_run)
      and (before is null or v.opened_at <= before) and (since is null or v.opened_at >= since)
      and (change_min is null or abs(catalog.measure_price_change(v)) >= change_min)
      and (change_max is null or abs(catalog.measure_price_change(v)) <= change_max)
      and (direction is null
        or sign(catalog.measure_price_change(v)) = case direction when 'rise' then 1 else -1 end)
      and (words is null or catalog.names_product(v, words))
    order by v.id limit p_limit;
end $$;

-- show_evidence(review) → what a decision relies on besides the review: {change, variant, sku, image,
-- history, record}; members that the kind does not have are null, and so is content whose licence has ended.
--   history     the newest published prices of the variant and type, the oldest first: {at, amountMinor,
--               currency}
--   image       address of the product's first image
--   record      the quarantined record: {part, line, artifactRun, rule, message, bytes, start}; `start` is
--               the beginning of its bytes in hex
create function catalog.show_evidence(p_review catalog.reviews) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object(
    'change', catalog.measure_price_change(p_review),
    'variant', v.title, 'sku', v.sku,
    'image', case when catalog.is_shown(p_review.source_id, p_review.product_external_id) then (
      select coalesce(i.cdn_url, i.url) from catalog.images i
      where i.source_id = p_review.source_id and i.product_external_id = p_review.product_external_id
      order by i.position limit 1) end,
    'history', case when p_review.price_type is not null
      and catalog.is_shown(p_review.source_id, p_review.product_external_id) then (
        select jsonb_agg(jsonb_build_object('at', h.observed_at, 'amountMinor', h.amount_minor,
          'currency', h.currency) order by h.observed_at, h.run_id)
        from (
          select p.* from catalog.prices p
          where p.source_id = p_review.source_id and p.product_external_id = p_review.product_external_id
            and p.variant_external_id = p_review.variant_external_id
            and p.price_type = p_review.price_type and p.state in ('current', 'past')
            and (p.expires_at is null or p.expires_at > now())
          order by p.observed_at desc, p.run_id desc limit 24
        ) h) end,
    'record', (
      select jsonb_build_object('part', q.part_no, 'line', q.line_no, 'artifactRun', q.artifact_run,
        'rule', q.rule, 'message', shown.message, 'bytes', q.byte_length,
        'start', encode(substring(shown.raw for 2048), 'hex'))
      from catalog.quarantine q cross join lateral catalog.show_record(q) shown
      where p_review.kind = 'record' and q.source_id = p_review.source_id
        and q.id = (p_review.detail ->> 'record')::bigint))
  from (values (1)) always
  left join catalog.variants v on v.source_id = p_review.source_id
    and v.product_external_id = p_review.product_external_id
    and v.external_id = p_review.variant_external_id
    and catalog.is_shown(p_review.source_id, p_review.product_external_id)
$$;

-- list_queue(filter, after, limit) → the columns of list_reviews, and the evidence of each review.
--   p_filter    see match_reviews
create function catalog.list_queue(p_filter jsonb, p_after bigint, p_limit integer) returns table (
  id bigint, source text, kind text, run bigint, product text, title text, variant text, price_type text,
  reason text, detail jsonb, state text, opened_at timestamptz, decided_at timestamptz, decided_by text,
  diff jsonb, evidence jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select v.id, s.name, v.kind, v.run_id, v.product_external_id, catalog.show_title(p), v.variant_external_id,
    v.price_type, shown.reason, shown.detail, v.state, v.opened_at, v.decided_at, v.decided_by,
    case when v.kind = 'run' then (select to_jsonb(d) from catalog.summarize_run_diff(v.run_id) d) end,
    catalog.show_evidence(v)
  from catalog.match_reviews(p_filter, p_after, p_limit) v
  join catalog.sources s on s.id = v.source_id
  cross join lateral catalog.show_review(v) shown
  left join catalog.products p on p.source_id = v.source_id and p.external_id = v.product_external_id
  order by v.id
$$;

-- count_queue(filter) → open reviews that match, by source and kind.
create function catalog.count_queue(p_filter jsonb) returns table (source text, kind text, reviews bigint)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, v.kind, count(*)
  from catalog.match_reviews(p_filter, null, null) v join catalog.sources s on s.id = v.source_id
  group by 1, 2 order by 1, 2
$$;

-- list_decidable(filter, limit) → the numbers of open reviews that match and can be decided together, the
-- oldest first: all kinds except runs, whose approval needs the version of a diff.
create function catalog.list_decidable(p_filter jsonb, p_limit integer) returns setof bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select v.id from catalog.match_reviews(p_filter, null, null) v
  where v.kind <> 'run' order by v.id limit p_limit
$$;

-- load_evidence(review) → see show_evidence; null for an unknown review.
create function catalog.load_evidence(p_review bigint) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select catalog.show_evidence(v) from catalog.reviews v where v.id = p_review
$$;
