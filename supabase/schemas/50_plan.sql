-- plan: computes the effect of apply and settle by the same functions. A plan's transactions are read-only,
-- so the server refuses writes to any table but the session's temporary ones.

-- open_plan(): creates the tables that hold what the batches planned in this session would have written. The
-- next batches are judged against them. `planned_variants` and `planned_images` exist for their constraints:
-- a record that the catalogue's tables would refuse is refused in a plan too.
--   errors      SQLSTATE 42P07 (duplicate_table) if the session has tables of these names
create function catalog.open_plan() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  create temporary table planned_products (
    external_id text collate "C" primary key, appears boolean not null,
    source_updated_at timestamptz not null, record_hash bytea not null, content_hash bytea not null
  );
  create temporary table planned_variants (like catalog.variants including constraints including indexes)
    on commit delete rows;
  create temporary table planned_prices (
    like catalog.prices including constraints including indexes, last_good bigint);
  create temporary table planned_images (
    like catalog.images including defaults including constraints including indexes) on commit delete rows;
end $$;

-- revise_verdicts(): judges products that an earlier batch of the plan would have written against that batch.
create function catalog.revise_verdicts() returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  update pg_temp.verdicts j
    set verdict = case
        when coalesce(s.source_updated_at, '-infinity') < w.source_updated_at then 'duplicate'
        when (s.content_hash, s.record_hash) <> (w.content_hash, w.record_hash) then 'updated'
        else 'unchanged'
      end
    from pg_temp.staged_products s, pg_temp.planned_products w
    where s.line_no = j.line_no and w.external_id = j.external_id and j.verdict <> 'duplicate';
  update pg_temp.verdicts set held = false where verdict not in ('created', 'updated');
  delete from pg_temp.price_verdicts q using pg_temp.verdicts j
    where j.line_no = q.line_no and j.verdict not in ('created', 'updated');
end $$;

-- plan_products(source): records what the batch would write to products, variants and images.
--   errors      SQLSTATE of the constraint that a record violates
create function catalog.plan_products(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into pg_temp.planned_products as w
      (external_id, appears, source_updated_at, record_hash, content_hash)
    select j.external_id,
      not exists (
        select from catalog.products p
        where p.source_id = p_source and p.external_id = j.external_id and p.status <> 'removed'),
      coalesce(s.source_updated_at, '-infinity'), s.record_hash, s.content_hash
    from pg_temp.verdicts j join pg_temp.staged_products s on s.line_no = j.line_no
    where j.verdict in ('created', 'updated')
    on conflict (external_id) do update
      set source_updated_at = excluded.source_updated_at, record_hash = excluded.record_hash,
          content_hash = excluded.content_hash;
  -- A better record that is equal to a planned one takes its place.
  update pg_temp.planned_products w set source_updated_at = coalesce(s.source_updated_at, '-infinity')
    from pg_temp.verdicts j join pg_temp.staged_products s on s.line_no = j.line_no
    where j.verdict = 'unchanged' and w.external_id = j.external_id;
  -- The commit empties these tables, and this delete does before the next piece of a batch that Postgres
  -- refused.
  delete from pg_temp.planned_variants where true;
  delete from pg_temp.planned_images where true;
  insert into pg_temp.planned_variants
      (source_id, product_external_id, external_id, position, options, weight_grams, pack_count, availability)
    select p_source, j.external_id, v.external_id, v.position, v.options, v.weight_grams::numeric,
      v.pack_count, v.availability
    from pg_temp.verdicts j join pg_temp.staged_variants v on v.line_no = j.line_no
    where j.verdict in ('created', 'updated');
  insert into pg_temp.planned_images (source_id, product_external_id, position, url)
    select p_source, j.external_id, i.position, i.url
    from pg_temp.verdicts j join pg_temp.staged_images i on i.line_no = j.line_no
    where j.verdict in ('created', 'updated');
end $$;

-- plan_prices(source): records what the batch would write to prices. `superseded` stands for a verdict
-- `kept`.
create function catalog.plan_prices(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  delete from pg_temp.planned_prices w using pg_temp.verdicts j
    where j.external_id = w.product_external_id and j.verdict in ('created', 'updated');
  insert into pg_temp.planned_prices (source_id, product_external_id, variant_external_id, price_type, run_id,
      amount_minor, currency, state, observed_at, last_good)
    select p_source, q.external_id, q.variant_external_id, q.price_type, 0, q.amount_minor, q.currency,
      case q.state when 'kept' then 'superseded' when 'disputed' then 'held' else q.state end, now(),
      case when q.state in ('held', 'disputed') or q.last_good_currency = q.currency then q.last_good end
    from pg_temp.price_verdicts q;
  insert into pg_temp.planned_prices (source_id, product_external_id, variant_external_id, price_type, run_id,
      amount_minor, currency, state, observed_at)
    select p_source, j.external_id, n.variant_external_id, n.price_type, 0, n.amount_minor, n.currency,
      'current', now()
    from pg_temp.verdicts j join pg_temp.staged_prices n on n.line_no = j.line_no
    where j.seq is null and j.verdict in ('created', 'updated') and n.amount_minor <> 0
    on conflict do nothing;
end $$;

-- plan_batch(…) → (seq, external_id, verdict, held, kind, detail, title, currencies) of each staged line:
-- what apply_batch would do after the batches planned before.
--   p_artifact_run   of a planned replay, with `p_seen_later` as in judge_products; null: newer than any
--                    other
--   kind, detail     as list_staged_changes; null without a change
--   title            the new title of a changed product
--   currencies       of the prices in the detail: {price:<variant>:<type>: [before, after]}
--   errors           db/unsuitable, see assert_own_table
create function catalog.plan_batch(
  p_source integer, p_artifact_run bigint, p_part integer, p_seen_later bytea, p_volatile text[],
  p_price_factor numeric
) returns table (
  seq integer, external_id text, verdict text, held boolean, kind text, detail jsonb, title text,
  currencies jsonb
)
language plpgsql security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
begin
  perform catalog.assert_own_table('planned_products');
  perform catalog.judge_batch(p_source, coalesce(p_artifact_run, catalog.max_id()), p_part,
    p_seen_later, p_volatile, p_price_factor);
  perform catalog.revise_verdicts();
  perform catalog.plan_products(p_source);
  perform catalog.plan_prices(p_source);
  return query
    select j.seq, j.external_id, j.verdict, j.held, c.kind, c.detail, s.title, (
        select jsonb_object_agg(format('price:%s:%s', q.variant_external_id, q.price_type),
          jsonb_build_array(q.last_good_currency, q.currency))
        from pg_temp.price_verdicts q where q.line_no = c.line_no and q.state <> 'kept')
    from pg_temp.verdicts j
    left join catalog.list_staged_changes(p_source) c on c.line_no = j.line_no
    left join pg_temp.staged_products s on s.line_no = c.line_no
    order by j.line_no;
end $$;

-- load_planned_price_facts(source) → {newPrices, heldPrices, gated, waiting, waitingProducts, moved, ratio},
-- as load_price_facts for a run. Pending prices of earlier runs that the plan does not replace count too.
--   newPrices   prices that would become current; heldPrices: prices that would be held
create function catalog.load_planned_price_facts(p_source integer) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select jsonb_build_object('newPrices', count(*) filter (where state = 'current'),
      'heldPrices', count(*) filter (where state = 'held'),
      'gated', count(*) filter (where state = 'held' and last_good is not null))
    from pg_temp.planned_prices
  ) || (
    select jsonb_build_object('waiting', count(*), 'waitingProducts', count(distinct product_external_id),
      'moved', count(*) filter (where moves),
      'ratio', percentile_cont(0.5) within group (order by amount_minor::numeric / last_good)
        filter (where moves))
    from (
      select product_external_id, amount_minor, last_good, amount_minor > 0 and last_good > 0 as moves
      from pg_temp.planned_prices where state = 'pending'
      union all
      select product_external_id, n.amount_minor, c.amount_minor, n.amount_minor > 0 and c.amount_minor > 0
      from catalog.prices n
      join catalog.prices c using (source_id, product_external_id, variant_external_id, price_type)
      where n.source_id = p_source and n.state = 'pending' and c.state = 'current' and n.currency = c.currency
        and not exists (
          select from pg_temp.planned_prices w
          where (w.product_external_id, w.variant_external_id, w.price_type)
            = (n.product_external_id, n.variant_external_id, n.price_type))
    ) waiting
  );
end $$;

-- count_planned_withdrawals(source) → products that would have no price left after the plan.
--   A product loses a price by a pending withdrawal, of the plan or of an earlier run. It keeps one if the
--   plan states a price, or if a current or pending price remains that neither the plan nor an earlier
--   pending price replaces.
create function catalog.count_planned_withdrawals(p_source integer) returns bigint
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select count(*) from (
      select product_external_id from pg_temp.planned_prices where state = 'pending' and amount_minor is null
      union
      select product_external_id from catalog.prices n
      where n.source_id = p_source and n.state = 'pending' and n.amount_minor is null
    ) losing
    where not exists (
      select from pg_temp.planned_prices w
      where w.product_external_id = losing.product_external_id and w.amount_minor is not null
        and w.state in ('pending', 'current')
    ) and not exists (
      select from catalog.prices c
      where c.source_id = p_source and c.product_external_id = losing.product_external_id
        and c.amount_minor is not null and c.state in ('current', 'pending')
        and not exists (
          select from pg_temp.planned_prices w
          where (w.product_external_id, w.variant_external_id, w.price_type)
              = (c.product_external_id, c.variant_external_id, c.price_type)
            and (w.state = 'pending' or w.state = 'superseded' and c.state = 'pending'))
        and not (c.state = 'current' and exists (
          select from catalog.prices n
          where n.source_id = p_source and n.product_external_id = c.product_external_id
            and n.variant_external_id = c.variant_external_id and n.price_type = c.price_type
            and n.state = 'pending' and not exists (
              select from pg_temp.planned_prices w
              where (w.product_external_id, w.variant_external_id, w.price_type)
                = (n.product_external_id, n.variant_external_id, n.price_type))))
    )
  );
end $$;

-- plan_run(source, facts, seen, policy) → (reasons, whole, removals_off, diff): the gate's verdict on the run
-- that was planned in this session.
--   p_facts     as load_run_facts, and {since, startedAt, watermark} of the run
--   reasons     why the run would be held, see list_hold_reasons
--   whole       see proves_missing
--   removals_off   see explain_removals_off and explain_lost_removals
--   diff        what approving it would change if it were held: {removals, prices, price_products,
--               held_prices, watermark}, as summarize_run_diff
--   errors      db/unsuitable, see assert_own_table
create function catalog.plan_run(p_source integer, p_facts jsonb, p_seen bytea, p_policy jsonb)
returns table (reasons text[], whole boolean, removals_off text, diff jsonb)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  facts jsonb := p_facts;
begin
  perform catalog.assert_own_table('planned_products');
  facts := facts || catalog.load_planned_price_facts(p_source) || jsonb_build_object(
    'newProducts', (select count(*) from pg_temp.planned_products where appears),
    'withdrawn', catalog.count_planned_withdrawals(p_source));
  facts := facts || catalog.count_missing(p_source, facts, p_seen);
  return query select catalog.list_hold_reasons(p_source, facts, p_seen, p_policy),
    catalog.proves_missing(p_facts),
    coalesce(catalog.explain_removals_off(p_facts),
      catalog.explain_lost_removals(p_source, p_facts ->> 'kind', catalog.max_id())),
    jsonb_build_object('removals', facts -> 'missing', 'prices', facts -> 'waiting',
      'price_products', facts -> 'waitingProducts', 'held_prices', facts -> 'heldPrices',
      'watermark', catalog.next_watermark(facts ->> 'kind', (facts ->> 'since')::timestamptz, s.watermark,
        (facts ->> 'watermark')::timestamptz, (facts ->> 'startedAt')::timestamptz))
    from catalog.sources s where s.id = p_source;
end $$;

-- list_missing(source, seen) → the products that a complete run which saw `p_seen` would miss, by id.
--   missed_before   the run would remove it
--   price           its first current price: {amountMinor, currency}; null without one
create function catalog.list_missing(p_source integer, p_seen bytea)
returns table (external_id text, title text, missed_before boolean, price jsonb)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select p.external_id, case when p.expires_at <= now() then null else p.title end, exists (
    select from catalog.misses m where m.source_id = p_source and m.external_id = p.external_id), (
    select jsonb_build_object('amountMinor', c.amount_minor, 'currency', c.currency) from catalog.prices c
    where c.source_id = p_source and c.product_external_id = p.external_id and c.state = 'current'
      and (c.expires_at is null or c.expires_at > now()) and (p.expires_at is null or p.expires_at > now())
    order by c.variant_external_id, c.price_type limit 1)
  from catalog.products p
  where p.source_id = p_source and p.status <> 'removed'
    and case when p.seq < 8 * length(p_seen) then get_bit(p_seen, p.seq) = 0 else true end
  order by p.external_id
$$;
