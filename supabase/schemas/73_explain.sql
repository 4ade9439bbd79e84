-- The read model of one product, for the command `explain` and the page of the product. It contains the
-- supplier's record and the names of people, so of the roles for processes only that of the dashboard may
-- call these functions.

-- list_gtin_spellings(text) → the spellings of a GTIN with and without leading zeros; only the text itself if
-- it is not a number.
create function catalog.list_gtin_spellings(p_text text) returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_text ~ '^[0-9]{1,14}$'
    then array[p_text] || array(
      select lpad(ltrim(p_text, '0'), n, '0') from unnest(array[8, 12, 13, 14]) n
      where length(ltrim(p_text, '0')) <= n)
    else array[p_text] end
$$;

-- find_products(source, text) → the products that the text names, by id.
--   matched     the column that has the text: id, uuid (of api.products), sku or gtin of a variant, or the
--               name of an identifier. A product with this id is the only result; identifiers are searched if
--               no other column has the text, which reads every product of the source
create function catalog.find_products(p_source integer, p_text text)
returns table (external_id text, title text, status text, matched text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query select p.external_id, catalog.show_title(p), p.status, 'id'
    from catalog.products p where p.source_id = p_source and p.external_id = p_text;
  if found then
    return;
  end if;
  if p_text ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    return query select p.external_id, catalog.show_title(p), p.status, 'uuid' from catalog.products p
      where md5(p.source_id::text || ' ' || p.external_id)::uuid = p_text::uuid and p.source_id = p_source;
  end if;
  return query select distinct on (p.external_id) p.external_id, p.title, p.status,
      case when v.sku = p_text then 'sku' else 'gtin' end
    from catalog.variants v
    join catalog.products p on p.source_id = v.source_id and p.external_id = v.product_external_id
    where v.source_id = p_source and (p.expires_at is null or p.expires_at > now())
      and (v.sku = p_text or v.gtin = any (catalog.list_gtin_spellings(p_text)))
    order by p.external_id, v.sku = p_text desc;
  if found then
    return;
  end if;
  return query select p.external_id, p.title, p.status, min(i.key)
    from catalog.products p cross join lateral jsonb_each(p.identifiers) i
    where p.source_id = p_source and (p.expires_at is null or p.expires_at > now())
      and (i.value = to_jsonb(p_text) or jsonb_typeof(i.value) = 'array' and i.value ? p_text)
    group by p.source_id, p.external_id order by p.external_id;
end $$;

-- list_product_prices(source, product, limit) → prices of the product, the newest `p_limit` of each variant
-- and type, with the place of the record that stated them.
--   since_at    when the price became current: at once, at the end of a run, or by a decision
--   review      open review of a held price; deciding_run: held run that a pending price waits for
create function catalog.list_product_prices(p_source integer, p_product text, p_limit integer) returns table (
  variant text, sku text, price_type text, amount_minor bigint, currency text, compare_at_minor bigint,
  state text, run bigint, observed_at timestamptz, since_at timestamptz, artifact_run bigint,
  artifact_state text, part integer, line integer, review bigint, reason text, deciding_run bigint,
  decision text, decided text, decided_by text, decided_at timestamptz, decided_reason text
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select p.variant_external_id, v.sku, p.price_type, p.amount_minor, p.currency, p.compare_at_minor, p.state,
    p.run_id, p.observed_at,
    case when p.state in ('current', 'past')
      then coalesce(d.decided_at, settled.finished_at, p.observed_at) end,
    r.artifact_run, (catalog.show_artifact(a)).state, p.part_no, p.line_no, o.id, o.reason,
    case when p.state = 'pending' then (
      select max(h.id) from catalog.runs h
      where h.source_id = p_source and h.state = 'held'
        and (h.id = p.run_id or h.keys is null and h.id > p.run_id)) end,
    d.decision, d.decided, d.decided_by, d.decided_at, d.reason
  from (
    select w.*, row_number() over (
      partition by w.variant_external_id, w.price_type order by w.run_id desc) as age
    from catalog.prices w where w.source_id = p_source and w.product_external_id = p_product
  ) p
  join catalog.runs r on r.source_id = p_source and r.id = p.run_id
  left join catalog.artifacts a on a.source_id = p_source and a.run_id = r.artifact_run
  left join catalog.runs settled on settled.source_id = p_source and settled.id = p.settled_run
  left join catalog.variants v on v.source_id = p_source and v.product_external_id = p_product
    and v.external_id = p.variant_external_id
  left join catalog.reviews o on p.state = 'held' and o.source_id = p_source and o.state = 'open'
    and o.run_id = p.run_id and o.product_external_id = p_product
    and o.variant_external_id = p.variant_external_id and o.price_type = p.price_type
  left join lateral (
    select * from catalog.price_decisions d
    where d.source_id = p_source and d.product_external_id = p_product
      and d.variant_external_id = p.variant_external_id and d.price_type = p.price_type
      and d.run_id = p.run_id
    order by d.decided_at desc limit 1
  ) d on true
  where (p.age <= p_limit or p.state in ('current', 'pending', 'held'))
    and (p.expires_at is null or p.expires_at > now()) and catalog.is_shown(p_source, p_product)
  order by v.position, p.variant_external_id, p.price_type, p.run_id desc
$$;

-- list_product_changes(source, product, limit) → the newest changes that runs made to the product.
create function catalog.list_product_changes(p_source integer, p_product text, p_limit integer)
returns table (
  run bigint, run_state text, kind text, detail jsonb, currencies jsonb, published boolean,
  changed_at timestamptz
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select c.run_id, r.state, c.kind, catalog.show_detail(c),
    catalog.load_price_currencies(p_source, p_product, c.run_id, c.detail),
    c.position is not null, c.changed_at
  from catalog.changes c join catalog.runs r on r.source_id = p_source and r.id = c.run_id
  where c.source_id = p_source and c.product_external_id = p_product
  order by c.run_id desc limit p_limit
$$;

-- list_product_runs(source, product, limit) → the newest settled full runs since the product exists, up to
-- the one that removed it: whether each saw the product, and what it counted.
--   removes     the run is held, and approving it removes the product, see list_run_removals
create function catalog.list_product_runs(p_source integer, p_product text, p_limit integer) returns table (
  run bigint, state text, started_at timestamptz, saw boolean, expected bigint, fetched bigint,
  removed bigint, missing bigint, removals_off text, decided_by text, decided_at timestamptz,
  removes boolean
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select r.id, r.state, r.started_at,
    case when p.seq < 8 * length(r.seen) then get_bit(r.seen, p.seq) = 1 else false end,
    (r.ledger ->> 'expected')::bigint, (r.ledger ->> 'fetched')::bigint, (r.ledger ->> 'removed')::bigint,
    (r.ledger ->> 'missing')::bigint, r.removals_off, v.decided_by, v.decided_at,
    case when r.state = 'held' then p.status <> 'removed'
      and case when p.seq < 8 * length(r.seen) then get_bit(r.seen, p.seq) = 0 else true end
      and p.run_id <= r.id and p.run_id <> all (catalog.list_keyed_runs_beside(p_source, r.id))
      and catalog.proves_missing(catalog.load_run_facts(p_source, r.id))
    else false end
  from catalog.products p
  join catalog.runs r on r.source_id = p_source and r.kind = 'full' and r.seen is not null
    and r.finished_at >= p.first_seen_at and (p.status <> 'removed' or r.id <= p.run_id)
  left join catalog.reviews v on v.source_id = p_source and v.kind = 'run' and v.run_id = r.id
    and v.state in ('approved', 'rejected')
  where p.source_id = p_source and p.external_id = p_product
  order by r.id desc limit p_limit
$$;

-- explain_product(source, product, limit) → everything that explains the state of a product, the newest
-- `p_limit` of each list.
--   product     null if the catalogue does not have it: its record may be in quarantine
--   reviews     disagreements and proposals, open or decided by a person
--   miss        the complete run that did not see it; the next one that does not see it either removes it
create function catalog.explain_product(p_source integer, p_product text, p_limit integer) returns table (
  product jsonb, prices jsonb, changes jsonb, runs jsonb, miss jsonb, quarantine jsonb, reviews jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select
    (select jsonb_build_object('id', md5(p.source_id::text || ' ' || p.external_id)::uuid,
        'external_id', p.external_id, 'status', p.status, 'title', catalog.show_title(p),
        'source_updated_at', p.source_updated_at, 'first_seen_at', p.first_seen_at,
        'changed_at', p.changed_at, 'last_available_at', p.last_available_at, 'expires_at', p.expires_at,
        'normaliser_version', p.normaliser_version,
        'warnings', case when p.expires_at <= now() then null else p.warnings end,
        'provenance', case when p.expires_at <= now() then null else p.provenance end, 'run_id', p.run_id,
        'part_no', p.part_no, 'line_no', p.line_no, 'artifact_state', (
          select (catalog.show_artifact(a)).state from catalog.artifacts a
          where a.source_id = p_source and a.run_id = p.run_id))
      from catalog.products p where p.source_id = p_source and p.external_id = p_product),
    (select coalesce(jsonb_agg(t), '[]') from catalog.list_product_prices(p_source, p_product, p_limit) t),
    (select coalesce(jsonb_agg(t), '[]') from catalog.list_product_changes(p_source, p_product, p_limit) t),
    (select coalesce(jsonb_agg(t), '[]') from catalog.list_product_runs(p_source, p_product, p_limit) t),
    (select to_jsonb(m) from catalog.misses m where m.source_id = p_source and m.external_id = p_product),
    (select coalesce(jsonb_agg(t), '[]') from (
      select q.id, q.state, q.rule, (catalog.show_record(q)).message, q.artifact_run,
        q.part_no as part, q.line_no as line,
        q.created_at
      from catalog.quarantine q where q.source_id = p_source and q.external_id = p_product
      order by q.id desc limit p_limit) t),
    (select coalesce(jsonb_agg(t), '[]') from (
      select v.id, v.kind, v.state, v.run_id as run, v.variant_external_id as variant, v.price_type,
        shown.reason, shown.detail, v.opened_at, v.decided_at, v.decided_by
      from catalog.reviews v cross join lateral catalog.show_review(v) shown
      where v.source_id = p_source and v.product_external_id = p_product
        and v.kind in ('disagreement', 'proposal') and v.state <> 'superseded'
      order by v.id desc limit p_limit) t)
$$;

-- load_record(source, product) → the record of the product as indented text; null without one, and once its
-- licence has ended.
create function catalog.load_record(p_source integer, p_product text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select jsonb_pretty(raw::jsonb) from catalog.products
  where source_id = p_source and external_id = p_product and (expires_at is null or expires_at > now())
$$;
