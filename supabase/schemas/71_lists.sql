-- The read model of artifacts, changes, reviews and quarantine. A list takes a limit and the key of the last
-- row that the caller has seen, so a page stays the same while rows are added, and reads an index.

-- list_artifacts(…) → artifacts, the newest first: of one source, of one run, or all with null, older than
-- `p_before`. One whose licence has ended is `purged`.
create function catalog.list_artifacts(
  p_source text, p_run bigint, p_before bigint, p_limit integer
) returns table (
  run bigint, source text, state text, complete boolean, expected bigint, warnings jsonb,
  parsing_warnings text, started_at timestamptz,
  parts bigint, lines bigint, raw_bytes bigint, stored_bytes bigint, latest boolean
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select a.run_id, s.name, shown.state, a.complete, a.expected, shown.warnings,
    catalog.describe_parsing(a.source_id, a.run_id), r.started_at,
    p.parts, p.lines, p.raw_bytes, p.stored_bytes, s.latest_run is not distinct from a.run_id
  from catalog.runs r
  join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.id
  join catalog.sources s on s.id = r.source_id
  cross join lateral catalog.show_artifact(a) shown
  cross join lateral (
    select count(*) as parts, coalesce(sum(line_count), 0)::bigint as lines,
      coalesce(sum(raw_bytes), 0)::bigint as raw_bytes, coalesce(sum(stored_bytes), 0)::bigint as stored_bytes
    from catalog.parts p where p.source_id = a.source_id and p.run_id = a.run_id
  ) p
  where r.id = any (case
    when p_run is not null then array[p_run]
    when p_source is not null then array(
      select a.run_id from catalog.artifacts a join catalog.sources s on s.id = a.source_id
      where s.name = p_source and a.run_id < coalesce(p_before, catalog.max_id())
      order by a.run_id desc limit p_limit)
    else array(
      select r.id from catalog.runs r
      join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.id
      where r.id < coalesce(p_before, catalog.max_id()) order by r.id desc limit p_limit)
  end)
  order by r.id desc
$$;

-- describe_run(run) → one run with its artifact, its changes by kind (published or not), the open reviews
-- that it left, and the open quarantined records; no row for an unknown run.
--   diff              see summarize_run_diff; null unless the run is held
--   held_prices       open reviews of its prices, of `held_products` products; `open_reviews` counts the
--                     review of the run too
--   open_quarantine   records of its artifact; other_quarantine: records of other artifacts of the source,
--                     most of them of earlier runs
--   decision          of a person on the held run: state, by, at; null without one
--   imports           see load_import_results
create function catalog.describe_run(p_run bigint) returns table (
  run jsonb, artifact jsonb, changes jsonb, open_reviews bigint, held_prices bigint, held_products bigint,
  open_quarantine bigint, other_quarantine bigint, diff jsonb,
  decision jsonb, imports jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select to_jsonb(s),
    (select to_jsonb(a) from catalog.list_artifacts(null, r.artifact_run, null, 1) a),
    coalesce((select jsonb_object_agg(kind, n) from (
      select kind, count(*) as n from catalog.changes c
      where c.source_id = r.source_id and c.run_id = r.id and c.review_id = 0 group by kind) k), '{}'),
    v.reviews, v.prices, v.products, q.own, q.other,
    case r.state when 'held' then (select to_jsonb(d) from catalog.summarize_run_diff(r.id) d) end,
    (select jsonb_build_object('state', d.state, 'by', d.decided_by, 'at', d.decided_at)
      from catalog.reviews d
      where d.source_id = r.source_id and d.run_id = r.id and d.kind = 'run' and d.decided_by is not null),
    catalog.load_import_results(r)
  from catalog.summarize_runs(array[p_run]) s
  join catalog.runs r on r.id = s.id
  cross join lateral (
    select count(*) as reviews, count(*) filter (where v.kind in ('price', 'disagreement')) as prices,
      count(distinct v.product_external_id) filter (where v.kind in ('price', 'disagreement')) as products
    from catalog.reviews v where v.source_id = r.source_id and v.run_id = r.id and v.state = 'open'
  ) v
  cross join lateral (
    select count(*) filter (where q.artifact_run = r.artifact_run) as own,
      count(*) filter (where q.artifact_run <> r.artifact_run) as other
    from catalog.quarantine q where q.source_id = r.source_id and q.state = 'open'
  ) q
$$;

-- load_price_currencies(source, product, run, detail) → {price:<variant>:<type>: [before, after]}: the
-- currencies of the prices in the detail of a change. `before` is that of the newest price that an earlier
-- run published.
--   planned once in a session: planning takes longer than the rest
create function catalog.load_price_currencies(
  p_source integer, p_product text, p_run bigint, p_detail jsonb
) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan as $$
begin
  return (select coalesce(jsonb_object_agg(m.name, jsonb_build_array((
      select b.currency from catalog.prices b
      where b.source_id = p_source and b.product_external_id = p_product
        and b.variant_external_id = m.variant and b.price_type = m.type and b.run_id < p_run
        and b.state in ('current', 'past')
      order by b.run_id desc limit 1
    ), a.currency)), '{}')
  from (
    select name, split_part(name, ':', -1) as type,
      substr(name, 7, length(name) - 7 - length(split_part(name, ':', -1))) as variant
    from jsonb_object_keys(p_detail) name where name like 'price:%'
  ) m
  -- A price in disagreement has no row.
  left join catalog.prices a on a.source_id = p_source and a.product_external_id = p_product
    and a.variant_external_id = m.variant and a.price_type = m.type and a.run_id = p_run);
end $$;

-- list_changes(…) → the changes of one run by product, after the product `p_after`. The changes of a held run
-- are not published yet. A first load is one change, whose product is empty. Decisions of people are not in
-- it.
create function catalog.list_changes(p_run bigint, p_after text, p_limit integer) returns table (
  product text, title text, kind text, detail jsonb, currencies jsonb, published boolean,
  changed_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select c.product_external_id, catalog.show_title(p), c.kind, catalog.show_detail(c),
    catalog.load_price_currencies(c.source_id, c.product_external_id, c.run_id, c.detail),
    c.position is not null, c.changed_at
  from catalog.changes c
  left join catalog.products p on p.source_id = c.source_id and p.external_id = c.product_external_id
  where c.source_id = (select source_id from catalog.runs where id = p_run) and c.run_id = p_run
    and c.review_id = 0 and c.product_external_id >= coalesce(p_after, '')
    and c.product_external_id is distinct from p_after
  order by c.product_external_id limit p_limit
$$;

-- count_listed(list, source, run) → rows of all pages of a list: artifacts, changes or quarantine. Each
-- filter may be null.
create function catalog.count_listed(p_list text, p_source text, p_run bigint) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  of_source integer := (select id from catalog.sources where name = p_source);
begin
  return case p_list
    when 'artifacts' then (
      select count(*) from catalog.artifacts where p_source is null or source_id = of_source)
    when 'changes' then (
      select count(*) from catalog.changes
      where source_id = (select source_id from catalog.runs where id = p_run) and run_id = p_run
        and review_id = 0)
    when 'quarantine' then (
      select count(*) from catalog.quarantine
      where state = 'open' and (p_source is null or source_id = of_source))
  end;
end $$;

-- list_reviews(…) → open reviews, the oldest first, opened after the review `p_after`; the review `p_review`
-- in any state. Each filter may be null.
--   diff        of a held run: see summarize_run_diff
create function catalog.list_reviews(
  p_review bigint, p_source text, p_run bigint, p_kind text, p_after bigint, p_limit integer
) returns table (
  id bigint, source text, kind text, run bigint, product text, title text, variant text, price_type text,
  reason text, detail jsonb, state text, opened_at timestamptz, decided_at timestamptz, decided_by text,
  diff jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select v.id, s.name, v.kind, v.run_id, v.product_external_id, catalog.show_title(p), v.variant_external_id,
    v.price_type, shown.reason, shown.detail, v.state, v.opened_at, v.decided_at, v.decided_by,
    case when v.kind = 'run' and v.state = 'open'
      then (select to_jsonb(d) from catalog.summarize_run_diff(v.run_id) d) end
  from catalog.reviews v
  join catalog.sources s on s.id = v.source_id
  cross join lateral catalog.show_review(v) shown
  left join catalog.products p on p.source_id = v.source_id and p.external_id = v.product_external_id
  where (v.state = 'open' or p_review is not null) and v.id > coalesce(p_after, 0)
    and (p_review is null or v.id = p_review)
    and (p_source is null or s.name = p_source) and (p_run is null or v.run_id = p_run)
    and (p_kind is null or v.kind = p_kind)
  order by v.id limit p_limit
$$;

-- list_quarantine(…) → open quarantined records, the newest first: of one source or of all with null, older
-- than `p_before`.
create function catalog.list_quarantine(p_source text, p_before bigint, p_limit integer) returns table (
  id bigint, source text, artifact_run bigint, part integer, line integer, byte_offset bigint,
  byte_length bigint, product text, rule text, message text, created_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select q.id, s.name, q.artifact_run, q.part_no, q.line_no, q.byte_offset, q.byte_length,
    q.external_id, q.rule, (catalog.show_record(q)).message, q.created_at
  from catalog.quarantine q
  join catalog.sources s on s.id = q.source_id
  where q.state = 'open' and q.id < coalesce(p_before, catalog.max_id())
    and (p_source is null or s.name = p_source)
  order by q.id desc limit p_limit
$$;

-- find_quarantined_record(id) → one quarantined record in any state, with at most the first 64 KiB of its
-- bytes. No role for processes may call this: it returns the supplier's record.
--   last_run    run that quarantined it last; closed_run: run that closed it, null while it is open
--   again       newest quarantined record of the same product after it
create function catalog.find_quarantined_record(p_id bigint) returns table (
  id bigint, source text, state text, rule text, message text, product text, artifact_run bigint,
  artifact_state text, part integer, line integer, byte_offset bigint, byte_length bigint, raw bytea,
  last_run bigint, closed_run bigint, again bigint, created_at timestamptz
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select q.id, s.name, q.state, q.rule, shown.message, q.external_id, q.artifact_run,
    (catalog.show_artifact(a)).state, q.part_no, q.line_no, q.byte_offset, q.byte_length, shown.raw, q.run_id,
    case when q.state <> 'open' then q.closed_run end, (
      select max(n.id) from catalog.quarantine n
      where n.source_id = q.source_id and n.external_id = q.external_id and n.id > q.id),
    q.created_at
  from catalog.quarantine q
  join catalog.sources s on s.id = q.source_id
  cross join lateral catalog.show_record(q) shown
  left join catalog.artifacts a on a.source_id = q.source_id and a.run_id = q.artifact_run
  where q.id = p_id
$$;
