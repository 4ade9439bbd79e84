-- apply_batch: from staging to the catalogue, in one transaction with the batch's checkpoint.

-- open_staging(): this session's staging tables. They are temporary, so a batch costs no WAL, and owned by this function's owner,
-- so a worker can fill them but not replace them by something that would run as the owner.
create function catalog.open_staging() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  create temporary table staged_products (
    line_no integer not null, external_id text collate "C" not null, status text not null, title text, description text, brand text,
    manufacturer text, url text, identifiers jsonb not null, attributes jsonb not null, successor text, source_updated_at timestamptz,
    expires_at timestamptz, record_hash bytea not null, content_hash bytea not null, warnings jsonb, raw jsonb not null
  ) with (toast_tuple_target = 8160) on commit delete rows;
  alter table pg_temp.staged_products alter raw set storage external, alter description set storage external;  -- compressing twice is the cost
  create temporary table staged_variants (
    line_no integer not null, external_id text collate "C" not null, position integer not null, title text, sku text, gtin text,
    options jsonb not null, weight_grams double precision, pack_count integer, availability text
  ) on commit delete rows;
  create temporary table staged_prices (
    line_no integer not null, variant_external_id text collate "C" not null, price_type text not null, amount_minor bigint,
    currency text not null, compare_at_minor bigint
  ) on commit delete rows;
  create temporary table staged_images (
    line_no integer not null, position integer not null, url text not null, alt text
  ) on commit delete rows;
  create temporary table judged (
    line_no integer primary key, external_id text collate "C" not null, seq integer, verdict text not null,
    reprices boolean not null default false, held boolean not null default false
  ) on commit delete rows;
  create temporary table judged_prices (
    line_no integer not null, external_id text collate "C" not null, variant_external_id text collate "C" not null, price_type text not null,
    amount_minor bigint, currency text not null, compare_at_minor bigint, last_good bigint, last_good_currency text, state text not null, reason text
  ) on commit delete rows;
  grant insert on pg_temp.staged_products, pg_temp.staged_variants, pg_temp.staged_prices, pg_temp.staged_images to public;
end $$;

-- has_own(table): whether this session's temporary table is the caller's own. Each set of ours is made at once, so one of it answers for all.
create function catalog.has_own(p_table text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from pg_catalog.pg_class c join pg_catalog.pg_roles r on r.oid = c.relowner
    where c.relnamespace = pg_my_temp_schema() and c.relname = p_table and r.rolname = current_user)
$$;

-- must_own(table): refuses tables that a worker has made itself: what it has attached to them would run as the owner of our functions.
create function catalog.must_own(p_table text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if not catalog.has_own(p_table) then
    perform catalog.fail('db/unsuitable', format('The temporary table %s of this session was not made by Shelfsync', p_table));
  end if;
end $$;

-- without(doc, paths): the document without its volatile members; `*` in a path stands for any index.
create function catalog.without(doc jsonb, path text[]) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if jsonb_typeof(doc) = 'array' and path[1] = '*' then
    return (select coalesce(jsonb_agg(catalog.without(e, path[2:]) order by i), '[]') from jsonb_array_elements(doc) with ordinality as t (e, i));
  elsif jsonb_typeof(doc) is distinct from 'object' or not doc ? path[1] then
    return doc;
  elsif cardinality(path) = 1 then
    return doc - path[1];
  end if;
  return jsonb_set(doc, path[1:1], catalog.without(doc -> path[1], path[2:]));
end $$;

create function catalog.without_all(doc jsonb, paths text[]) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  path text;
begin
  foreach path in array paths loop
    doc := catalog.without(doc, string_to_array(path, '.'));
  end loop;
  return doc;
end $$;

-- trust_times(…): a staged time that cannot be trusted becomes unknown, as `trustedTime` has it in src/core/source-time.ts: one at or before 1970,
-- which stands for a missing value, and one later than the part that holds it by more than the tolerance. One that is ahead by less becomes the
-- time of the part, so that the record of the next run is not older. A plan has no part: its records arrive now.
create function catalog.trust_times(p_source integer, p_artifact_run bigint, p_part integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  arrived timestamptz := coalesce((select created_at from catalog.parts where source_id = p_source and run_id = p_artifact_run and no = p_part), now());
begin
  update pg_temp.staged_products
    set source_updated_at = case when source_updated_at > arrived and source_updated_at <= arrived + interval '5 minutes' then arrived end
    where source_updated_at > arrived or source_updated_at <= 'epoch';
end $$;

-- judge(…): what each staged line that is not judged yet would do to the catalogue. Writes nothing but `judged` and `judged_prices`.
--   order       within one artifact the highest (source time, part, line) of a key wins, and any time is higher than an unknown one; an
--               artifact older than what wrote the row, or than a settled run that saw it (p_seen_later), may only normalise anew the record
--               that the row already holds; of two artifacts the newer wins, unless both times are known and its own is lower
--   lateral … offset 0   keeps the planner at one index look-up a line, whatever it believes about the sizes
create function catalog.judge(p_source integer, p_artifact_run bigint, p_part integer, p_seen_later bytea, p_volatile text[], p_price_factor numeric)
returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  perform catalog.must_own('staged_products');
  perform catalog.trust_times(p_source, p_artifact_run, p_part);
  -- Rows that are there already are locked, in the order of their ids, and then judged again: as they are now, they stay.
  for pass in 1 .. 2 loop
    insert into pg_temp.judged (line_no, external_id, seq, verdict)
    select s.line_no, s.external_id, p.seq,
      case
        when s.rank > 1 then 'duplicate'
        when p.seq is null then 'created'
        when p.run_id = p_artifact_run
          and (coalesce(s.source_updated_at, '-infinity'), p_part, s.line_no) < (coalesce(p.source_updated_at, '-infinity'), p.part_no, p.line_no)
          then 'duplicate'
        when (p.run_id > p_artifact_run or p_seen_later is not null and p.seq < 8 * length(p_seen_later) and get_bit(p_seen_later, p.seq) = 1)
          and p.record_hash <> s.record_hash
          then 'older'
        when p.run_id < p_artifact_run and s.source_updated_at < p.source_updated_at then 'older'
        when p.status = 'removed' and p.run_id <= p_artifact_run then 'updated'
        when p.content_hash <> s.content_hash then 'updated'
        when p.record_hash <> s.record_hash
          and catalog.without_all(p.raw, p_volatile) <> catalog.without_all((select w.raw from pg_temp.staged_products w where w.ctid = s.place), p_volatile)
          then 'updated'
        else 'unchanged'
      end
    from (
      select line_no, external_id, source_updated_at, record_hash, content_hash, ctid as place,
        row_number() over (partition by external_id order by source_updated_at desc nulls last, line_no desc) as rank
      from pg_temp.staged_products
      where not exists (select from pg_temp.judged j where j.line_no = staged_products.line_no)
    ) s
    left join lateral (
      select * from catalog.products where source_id = p_source and external_id = s.external_id offset 0
    ) p on true;

    -- A plan, whose transaction is read-only, has nothing to keep as it is.
    exit when pass = 2 or current_setting('transaction_read_only')::boolean;
    perform from pg_temp.judged j join catalog.products p on p.source_id = p_source and p.external_id = j.external_id
      where j.seq is not null and j.verdict <> 'created' order by j.external_id for update of p;
    exit when not found;
    delete from pg_temp.judged j where j.seq is not null and j.verdict <> 'created';
  end loop;

  -- Apply judges once more when another lane was faster: what the batch has created by then is its own and stays.
  delete from pg_temp.judged_prices where true;
  -- Prices of products that were here before, against the current one and the newest one that waits or was rejected.
  insert into pg_temp.judged_prices
  with stated as (
    select j.external_id, n.* from pg_temp.staged_prices n join pg_temp.judged j using (line_no)
    where j.seq is not null and j.verdict in ('updated', 'unchanged') and n.amount_minor is not null
  ), held_now as (
    select j.line_no, j.external_id, c.* from pg_temp.judged j
    cross join lateral (
      select variant_external_id, price_type, amount_minor, currency, compare_at_minor, run_id from catalog.prices
      where source_id = p_source and product_external_id = j.external_id and state = 'current' offset 0
    ) c
    where j.seq is not null and j.verdict in ('updated', 'unchanged')
  ), pairs as (
    select line_no, coalesce(n.external_id, c.external_id) as external_id, variant_external_id, price_type,
      n.amount_minor, coalesce(n.currency, c.currency) as currency, n.compare_at_minor,
      c.amount_minor as last_good, c.currency as last_good_currency, c.compare_at_minor as last_compare_at, c.run_id as last_run, c.line_no is null as is_new
    from stated n full join held_now c using (line_no, variant_external_id, price_type)
  )
  select line_no, external_id, variant_external_id, price_type, amount_minor, currency, compare_at_minor, last_good, last_good_currency,
    case
      when not is_new and (amount_minor, currency, compare_at_minor) is not distinct from (last_good, last_good_currency, last_compare_at) then 'kept'
      when reason is not null then 'held'
      when is_new then 'current'
      else 'pending'
    end, reason
  from (
    select *, case
      when amount_minor = 0 and last_good is distinct from 0 then 'the price is zero'
      -- Amounts of two currencies cannot be compared. A source whose settings state a currency has had it changed by a person.
      when last_good_currency <> currency and currency = (select settings ->> 'currency' from catalog.sources where id = p_source) then null
      when last_good_currency <> currency then format('the currency changed from %s to %s', last_good_currency, currency)
      when last_good > 0 and amount_minor >= last_good * p_price_factor then format('the price rose ×%s', round(amount_minor::numeric / last_good, 1))
      when last_good > 0 and amount_minor * p_price_factor <= last_good then format('the price fell ÷%s', round(last_good::numeric / amount_minor, 1))
    end as reason
    from pairs
  ) gated
  left join lateral (
    select state as waiting_state, amount_minor as waiting_amount, currency as waiting_currency, compare_at_minor as waiting_compare_at
    from catalog.prices
    where source_id = p_source and product_external_id = gated.external_id and variant_external_id = gated.variant_external_id
      and price_type = gated.price_type and state in ('pending', 'held', 'rejected') and run_id > coalesce(gated.last_run, 0)
    order by run_id desc limit 1
  ) w on true
  where case
    when waiting_state is null then is_new or (amount_minor, currency, compare_at_minor) is distinct from (last_good, last_good_currency, last_compare_at)
    when waiting_state = 'rejected' and (amount_minor, currency, compare_at_minor) is not distinct from (last_good, last_good_currency, last_compare_at) then false
    else (amount_minor, currency, compare_at_minor) is distinct from (waiting_amount, waiting_currency, waiting_compare_at)
  end;

  update pg_temp.judged j
    set verdict = 'updated', reprices = true, held = p.held
    from (select line_no, bool_or(state = 'held') as held from pg_temp.judged_prices group by line_no) p
    where j.line_no = p.line_no;

  -- A first price of zero waits for a person too.
  insert into pg_temp.judged_prices
    select j.line_no, j.external_id, n.variant_external_id, n.price_type, n.amount_minor, n.currency, n.compare_at_minor, null, null,
      'held', 'the price is zero'
    from pg_temp.judged j join pg_temp.staged_prices n on n.line_no = j.line_no
    where j.verdict = 'created' and n.amount_minor = 0;
  update pg_temp.judged j set held = true
    where j.verdict = 'created' and j.line_no in (select q.line_no from pg_temp.judged_prices q where q.state = 'held');
end $$;

-- differences(old, new): the members that differ, as {member: [before, after]}.
create function catalog.differences(before jsonb, after jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_object_agg(k, jsonb_build_array(before -> k, after -> k) order by k), '{}')
  from (select jsonb_object_keys(before || after) as k) keys
  where before -> k is distinct from after -> k
$$;

-- judged_changes(source): what every judged line changes, member by member, prices as `price:<variant>:<type>`. Serves both plan and apply;
-- in apply the rows of new products are there already, so only the verdict tells that they are new.
create function catalog.judged_changes(p_source integer) returns table (line_no integer, external_id text, kind text, detail jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
begin
  return query select j.line_no, j.external_id,
    case
      when j.verdict = 'created' then 'created'
      when p.status = 'removed' then 'returned'
      when p.status = 'active' and s.status = 'unavailable' then 'unavailable'
      when j.reprices and p.content_hash = s.content_hash then 'repriced'
      else 'updated'
    end,
    case when j.verdict <> 'created' then
      catalog.differences(
        jsonb_build_object('status', p.status, 'title', p.title, 'description', p.description, 'brand', p.brand, 'manufacturer', p.manufacturer,
          'url', p.url, 'successor', p.successor) || p.identifiers || p.attributes,
        jsonb_build_object('status', s.status, 'title', s.title, 'description', s.description, 'brand', s.brand, 'manufacturer', s.manufacturer,
          'url', s.url, 'successor', s.successor) || s.identifiers || s.attributes)
    else '{}' end
    || coalesce((
      select jsonb_object_agg(format('price:%s:%s', q.variant_external_id, q.price_type),
        jsonb_build_array(q.last_good, q.amount_minor) || case when q.state = 'held' then jsonb_build_array(q.reason) else '[]' end)
      from pg_temp.judged_prices q where q.line_no = j.line_no and q.state <> 'kept'), '{}')
  from pg_temp.judged j
  join pg_temp.staged_products s on s.line_no = j.line_no
  left join lateral (select * from catalog.products where source_id = p_source and external_id = j.external_id offset 0) p on true
  where j.verdict in ('created', 'updated');
end $$;

-- apply_batch(…) → (created, updated, unchanged, older, duplicate, held, seqs, next_seq)
--   atomic      rows, price points, changes, or nothing; the caller saves its checkpoint in the same transaction
--   idempotent  the same batch twice writes no row the second time
--   ordering    see judge; rows are taken in the order of their ids, so lanes cannot deadlock
--   seqs        the numbers of all products that the batch named, as big-endian int4: the run has seen them
--   next_seq    the first number after p_seq_from that is still free; at most one is taken a staged line and round
create function catalog.apply_batch(
  p_source integer, p_run bigint, p_token bigint, p_artifact_run bigint, p_part integer, p_seq_from integer,
  p_normaliser_version integer, p_volatile text[], p_price_factor numeric, p_seen_later bytea, p_first_load boolean
) returns table (created integer, updated integer, unchanged integer, older integer, duplicate integer, held integer, seqs bytea, next_seq integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off set work_mem = '32MB' as $$
#variable_conflict use_column
declare
  free_seq integer := p_seq_from;
  judged_new integer;
  lost integer;
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  loop
    perform catalog.judge(p_source, p_artifact_run, p_part, p_seen_later, p_volatile, p_price_factor);

    with numbered as (
      select line_no, free_seq - 1 + row_number() over (order by line_no) as seq from pg_temp.judged where verdict = 'created' and seq is null
    ), written as (
      insert into catalog.products (
        source_id, external_id, seq, status, title, description, brand, manufacturer, url, identifiers, attributes, successor,
        source_updated_at, first_seen_at, changed_at, last_available_at, expires_at, run_id, part_no, line_no, normaliser_version,
        record_hash, content_hash, warnings, raw)
      select p_source, s.external_id, n.seq, s.status, s.title, s.description, s.brand, s.manufacturer, s.url, s.identifiers, s.attributes, s.successor,
        s.source_updated_at, now(), now(), null, s.expires_at, p_artifact_run, p_part, s.line_no, p_normaliser_version,
        s.record_hash, s.content_hash, s.warnings, s.raw
      from numbered n join pg_temp.staged_products s on s.line_no = n.line_no
      order by s.external_id
      on conflict do nothing
      returning line_no, seq
    )
    update pg_temp.judged j set seq = w.seq from written w where w.line_no = j.line_no;
    get diagnostics judged_new = row_count;

    -- Another lane created the same product meanwhile: judge those lines again, now against its row.
    delete from pg_temp.judged where verdict = 'created' and seq is null;
    get diagnostics lost = row_count;
    free_seq := free_seq + judged_new + lost;
    exit when lost = 0;
  end loop;

  if not p_first_load then
    insert into catalog.changes (source_id, run_id, product_external_id, kind, detail)
      select p_source, p_run, c.external_id, c.kind, case c.kind when 'created' then '{}' else c.detail - 'description' end
      from catalog.judged_changes(p_source) c
      on conflict (source_id, run_id, product_external_id) do update
        set detail = changes.detail || excluded.detail, kind = excluded.kind
        where changes.kind <> 'created';
  end if;

  update catalog.products p
    set status = case when p.status = 'removed' and p.run_id > p_artifact_run then p.status else s.status end, title = s.title, description = s.description, brand = s.brand, manufacturer = s.manufacturer, url = s.url,
        identifiers = s.identifiers, attributes = s.attributes, successor = s.successor,
        source_updated_at = case when p.run_id > p_artifact_run then p.source_updated_at else s.source_updated_at end, changed_at = now(), expires_at = s.expires_at, normaliser_version = p_normaliser_version, record_hash = s.record_hash,
        content_hash = s.content_hash, warnings = s.warnings, raw = s.raw,
        last_available_at = case when s.status = 'active' then null when p.status = 'active' then now() else p.last_available_at end,
        run_id = greatest(p.run_id, p_artifact_run), part_no = case when p.run_id > p_artifact_run then p.part_no else p_part end,
        line_no = case when p.run_id > p_artifact_run then p.line_no else s.line_no end
    from pg_temp.judged j join pg_temp.staged_products s on s.line_no = j.line_no
    where j.verdict = 'updated' and p.source_id = p_source and p.external_id = j.external_id;

  -- A newer artifact that does not know the time any more, or knows it again: what follows is compared with that.
  update catalog.products p
    set source_updated_at = s.source_updated_at, record_hash = s.record_hash
    from pg_temp.judged j join pg_temp.staged_products s on s.line_no = j.line_no
    where j.verdict = 'unchanged' and p.source_id = p_source and p.external_id = j.external_id and p.run_id < p_artifact_run
      and (p.source_updated_at is null) <> (s.source_updated_at is null)
      and not (p_seen_later is not null and p.seq < 8 * length(p_seen_later) and get_bit(p_seen_later, p.seq) = 1);

  perform catalog.write_variants(p_source);
  perform catalog.write_images(p_source);
  perform catalog.write_prices(p_source, p_run);

  return query
    select count(*) filter (where verdict = 'created' and not j.held)::integer, count(*) filter (where verdict = 'updated' and not j.held)::integer,
      count(*) filter (where verdict = 'unchanged')::integer, count(*) filter (where verdict = 'older')::integer,
      count(*) filter (where verdict = 'duplicate')::integer, count(*) filter (where j.held)::integer,
      coalesce(string_agg(int4send(j.seq), ''::bytea) filter (where j.seq is not null), ''), free_seq
    from pg_temp.judged j;
end $$;

create function catalog.write_variants(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into catalog.variants (source_id, product_external_id, external_id, position, title, sku, gtin, options, weight_grams, pack_count, availability)
    select p_source, j.external_id, v.external_id, v.position, v.title, v.sku, v.gtin, v.options, v.weight_grams::numeric, v.pack_count, v.availability
    from pg_temp.judged j join pg_temp.staged_variants v on v.line_no = j.line_no
    where j.verdict in ('created', 'updated')
    order by j.external_id, v.external_id
    on conflict (source_id, product_external_id, external_id) do update
      set position = excluded.position, title = excluded.title, sku = excluded.sku, gtin = excluded.gtin, options = excluded.options,
          weight_grams = excluded.weight_grams, pack_count = excluded.pack_count, availability = excluded.availability, removed_at = null
      where (variants.position, variants.title, variants.sku, variants.gtin, variants.options, variants.weight_grams, variants.pack_count, variants.availability,
             variants.removed_at)
        is distinct from (excluded.position, excluded.title, excluded.sku, excluded.gtin, excluded.options, excluded.weight_grams, excluded.pack_count,
             excluded.availability, null);
  update catalog.variants v set removed_at = now()
    from pg_temp.judged j
    where j.verdict = 'updated' and v.source_id = p_source and v.product_external_id = j.external_id and v.removed_at is null
      and not exists (select from pg_temp.staged_variants n where n.line_no = j.line_no and n.external_id = v.external_id);
end $$;

create function catalog.write_images(p_source integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  insert into catalog.images (source_id, product_external_id, position, url, alt)
    select p_source, j.external_id, i.position, i.url, i.alt
    from pg_temp.judged j join pg_temp.staged_images i on i.line_no = j.line_no
    where j.verdict in ('created', 'updated')
    order by j.external_id, i.position
    on conflict (source_id, product_external_id, position) do update
      set url = excluded.url, alt = excluded.alt, sha256 = null, cdn_url = null, state = 'new'
      where (images.url, images.alt) is distinct from (excluded.url, excluded.alt);
  delete from catalog.images i
    using pg_temp.judged j
    where j.verdict = 'updated' and i.source_id = p_source and i.product_external_id = j.external_id
      and not exists (select from pg_temp.staged_images n where n.line_no = j.line_no and n.position = i.position);
end $$;

-- write_prices(…): first prices are current at once; changed ones wait for settle; those that fail a gate wait for a person.
create function catalog.write_prices(p_source integer, p_run bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
  first_prices integer;
begin
  insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id, amount_minor, currency, compare_at_minor, state, observed_at)
    select p_source, j.external_id, n.variant_external_id, n.price_type, p_run, n.amount_minor, n.currency, n.compare_at_minor,
      case n.amount_minor when 0 then 'held' else 'current' end, now()
    from pg_temp.judged j join pg_temp.staged_prices n on n.line_no = j.line_no
    where j.verdict = 'created' and n.amount_minor is not null
    order by j.external_id, n.variant_external_id, n.price_type
    on conflict do nothing;

  if not exists (select from pg_temp.judged_prices) then
    return;
  end if;
  -- A price that this very run made current is a first price of a record that lost meanwhile. The winner's is as good a first price.
  with firsts as (
    update pg_temp.judged_prices q
      set state = case q.amount_minor when 0 then 'held' else 'current' end, reason = case q.amount_minor when 0 then 'the price is zero' end
      from catalog.prices c
      where c.source_id = p_source and c.product_external_id = q.external_id and c.variant_external_id = q.variant_external_id
        and c.price_type = q.price_type and c.run_id = p_run and c.state = 'current' and q.state in ('pending', 'held')
      returning q.line_no)
  select count(*) into first_prices from firsts;
  if first_prices > 0 then
    update pg_temp.judged j set held = exists (select from pg_temp.judged_prices q where q.line_no = j.line_no and q.state = 'held') where j.reprices;
  end if;
  update catalog.prices w set state = 'superseded'
    from pg_temp.judged_prices q
    where w.source_id = p_source and w.product_external_id = q.external_id and w.variant_external_id = q.variant_external_id
      and w.price_type = q.price_type and w.state in ('pending', 'held') and (w.run_id <> p_run or q.state = 'kept');
  update catalog.reviews r set state = 'superseded', decided_at = now()
    from pg_temp.judged_prices q
    where r.source_id = p_source and r.state = 'open' and r.kind = 'price' and r.product_external_id = q.external_id
      and r.variant_external_id = q.variant_external_id and r.price_type = q.price_type;
  insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id, amount_minor, currency, compare_at_minor, state, observed_at)
    select p_source, q.external_id, q.variant_external_id, q.price_type, p_run, q.amount_minor, q.currency, q.compare_at_minor, q.state, now()
    from pg_temp.judged_prices q
    where q.state <> 'kept'
    on conflict (source_id, product_external_id, variant_external_id, price_type, run_id) do update
      set amount_minor = excluded.amount_minor, currency = excluded.currency, compare_at_minor = excluded.compare_at_minor,
          state = excluded.state, observed_at = excluded.observed_at
      where prices.state in ('pending', 'held', 'superseded', 'current');
  insert into catalog.reviews (source_id, kind, run_id, product_external_id, variant_external_id, price_type, reason, detail)
    select p_source, 'price', p_run, q.external_id, q.variant_external_id, q.price_type, q.reason,
      jsonb_build_object('from', q.last_good, 'to', q.amount_minor, 'currency', q.currency)
    from pg_temp.judged_prices q
    where q.state = 'held';
end $$;

-- clear_staging(): empties the staging tables within a transaction, to stage a smaller piece of a batch that was refused.
create function catalog.clear_staging() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.must_own('staged_products');
  -- A plan may not truncate: its transaction is read-only. `where true`: Supabase's Data API refuses a delete or an update without a condition.
  delete from pg_temp.judged where true;
  delete from pg_temp.judged_prices where true;
  delete from pg_temp.staged_products where true;
  delete from pg_temp.staged_variants where true;
  delete from pg_temp.staged_prices where true;
  delete from pg_temp.staged_images where true;
end $$;

-- write_terms(…): brands, organisations and categories that the records mention; a row is written only when it differs.
create function catalog.write_terms(p_source integer, p_run bigint, p_token bigint, p_terms jsonb) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  written integer := 0;
  touched integer;
  target text;
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  foreach target in array array['brand', 'organization', 'category'] loop
    execute format($sql$
      insert into catalog.%1$I (source_id, external_id, name, attributes, changed_at %2$s)
      select distinct on (t.external_id) $1, t.external_id, t.name, t.attributes, now() %3$s
      from jsonb_to_recordset($2) as t (kind text, external_id text, name text, parent_id text, attributes jsonb)
      where t.kind = $3 order by t.external_id
      on conflict (source_id, external_id) do update set name = excluded.name, attributes = excluded.attributes, changed_at = excluded.changed_at %4$s
      where (%1$I.name, %1$I.attributes %5$s) is distinct from (excluded.name, excluded.attributes %6$s)
    $sql$,
      case target when 'brand' then 'brands' when 'organization' then 'organizations' else 'categories' end,
      case target when 'category' then ', parent_external_id' else '' end,
      case target when 'category' then ', t.parent_id' else '' end,
      case target when 'category' then ', parent_external_id = excluded.parent_external_id' else '' end,
      case target when 'category' then ', categories.parent_external_id' else '' end,
      case target when 'category' then ', excluded.parent_external_id' else '' end)
    using p_source, p_terms, target;
    get diagnostics touched = row_count;
    written := written + touched;
  end loop;
  return written;
end $$;
