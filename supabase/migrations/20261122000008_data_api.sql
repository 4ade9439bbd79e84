-- The pipeline without a session: what Supabase's Data API needs to do the same work by calls alone. Each call is a transaction of its own.
-- The functions of schema `pipeline` are the namesakes of functions here. They are apart from schema `api`, because people open all functions of
-- a schema that readers use to `anon`, as Supabase's own page tells them: https://supabase.com/docs/guides/api/using-custom-schemas

create schema pipeline;
comment on schema pipeline is 'Shelfsync: calls of the pipeline over the Data API, for secret keys only. Readers use schema api.';
revoke all on schema pipeline from public;

-- The roles that may do the pipeline's work over the Data API. A right to execute is not enough: it is granted by accident.
create table catalog.callers (
  role               name primary key
);
alter table catalog.callers enable row level security;

-- check_caller(): refuses a caller that `let_work` was not told of. Inside a function that runs as its owner, only the setting `role` tells for
-- whom PostgREST works; nobody can set it to a role that they may not take.
create function catalog.check_caller() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  caller name := case current_setting('role') when 'none' then session_user else current_setting('role') end;
begin
  if not pg_has_role(caller, (select nspowner from pg_namespace where nspname = 'pipeline'), 'usage')
     and not exists (select from catalog.callers c join pg_roles r on r.rolname = c.role where pg_has_role(caller, r.oid, 'usage')) then
    raise exception using errcode = 'insufficient_privilege', message = format('permission denied: the role %s may not do the pipeline''s work', caller),
      hint = format('The owner can allow it: select catalog.let_work(%L)', caller);
  end if;
end $$;

-- `fresh`: numbers of the products that the last batch put through staging, as big-endian int4: not yet in `staged`, which only the line can
-- unpack. A worker that copies its batches knows them in time and leaves this empty.
alter table catalog.checkpoints add fresh bytea not null default '';

create function catalog.find_checkpoint(p_source integer, p_run bigint, p_part integer) returns setof catalog.checkpoints
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.checkpoints where source_id = p_source and run_id = p_run and part_no = p_part
$$;

-- known_page(…): a page of known_records, in the order of their ids, beginning after `p_after`: one row of 20 bytes a product (seq as big-endian
-- int4, record hash), because the Data API cuts an answer at a thousand rows. `last` is null when nothing follows.
create function catalog.known_page(p_source integer, p_after text, p_limit integer) returns table (last text, records bytea)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select max(external_id), coalesce(string_agg(int4send(seq) || record_hash, ''::bytea), '')
  from (select external_id, seq, record_hash from catalog.products
        where source_id = p_source and external_id > p_after and status <> 'removed' order by external_id limit p_limit) page
$$;

-- stage_records(…): fills the staging tables from text. Each record is a JSON document inside a text, so that one that Postgres cannot hold
-- fails here, where it can be found, and not on the way in.
create function catalog.stage_records(p_records text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  docs jsonb[] := array(select record::jsonb from unnest(p_records) record);
begin
  insert into pg_temp.staged_products (line_no, external_id, status, title, description, brand, manufacturer, url, identifiers, attributes,
      successor, source_updated_at, expires_at, record_hash, content_hash, warnings, raw)
    select r.* from unnest(docs) doc cross join lateral jsonb_to_record(doc) as r (line_no integer, external_id text, status text, title text,
      description text, brand text, manufacturer text, url text, identifiers jsonb, attributes jsonb, successor text, source_updated_at timestamptz,
      expires_at timestamptz, record_hash bytea, content_hash bytea, warnings jsonb, raw jsonb);
  insert into pg_temp.staged_variants (line_no, external_id, position, title, sku, gtin, options, weight_grams, pack_count, availability)
    select (doc ->> 'line_no')::integer, r.* from unnest(docs) doc cross join lateral jsonb_to_recordset(doc -> 'variants') as r (external_id text,
      position integer, title text, sku text, gtin text, options jsonb, weight_grams double precision, pack_count integer, availability text);
  insert into pg_temp.staged_prices (line_no, variant_external_id, price_type, amount_minor, currency, compare_at_minor)
    select (doc ->> 'line_no')::integer, r.* from unnest(docs) doc cross join lateral jsonb_to_recordset(doc -> 'prices') as r (variant_external_id text,
      price_type text, amount_minor bigint, currency text, compare_at_minor bigint);
  insert into pg_temp.staged_images (line_no, position, url, alt)
    select (doc ->> 'line_no')::integer, r.* from unnest(docs) doc cross join lateral jsonb_to_recordset(doc -> 'images') as r (position integer,
      url text, alt text);
end $$;

-- ready_staging(): the Data API's sessions are shared and last, so the staging tables may be there already. They are used only when they are
-- our own: making them fails when somebody else has made them.
create function catalog.ready_staging() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if not catalog.has_own('staged_products') then
    perform catalog.open_staging();
  end if;
end $$;

-- merge_records(…) → what became of the records, the products that they name and the first number that is still free.
create function catalog.merge_records(
  p_run catalog.runs, p_token bigint, p_part integer, p_seq_from integer, p_records text[], p_volatile text[], p_price_factor numeric, p_seen_later bytea
) returns table (counts jsonb, seqs bytea, next_seq integer)
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.stage_records(p_records);
  return query
    select to_jsonb(b) - 'seqs' - 'next_seq', b.seqs, b.next_seq
    from catalog.apply_batch(p_run.source_id, p_run.id, p_token, p_run.artifact_run, p_part, p_seq_from, p_run.normaliser_version, p_volatile,
      p_price_factor, p_seen_later, p_run.first_load) b;
end $$;

create function catalog.add_counts(a jsonb, b jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select jsonb_object_agg(key, total)
  from (select key, sum(value::bigint) as total from (select * from jsonb_each_text(a) union all select * from jsonb_each_text(b)) c group by key) t
$$;

-- write_batch(…) → the checkpoint's counts, the products that the batch named, the first number that is still free.
--   atomic      rows, price points, changes, quarantine and the checkpoint, or nothing
--   idempotent  a batch belongs to the place in its part where the checkpoint stood before (`p_lines_before`). Sent again it writes nothing and
--               answers what the first one did; one that belongs elsewhere is refused with db/busy: the sender has to look where the part stands
--   refused     a record whose content Postgres refuses, by the SQLSTATEs of RECORD_STATES in src/db/errors.ts: record/invalid, with
--               [{record, why}] in its detail and nothing written. The sender quarantines it and sends the rest again
--   p_counts    the part's outcomes up to here, without what this batch will add. Null: the records have had their outcome before, so the
--               checkpoint stays as it is
create function catalog.write_batch(
  p_source integer, p_run bigint, p_token bigint, p_part integer, p_lines_before bigint, p_lines_done bigint, p_bytes_done bigint, p_done boolean,
  p_counts jsonb, p_known bytea, p_staged bytea, p_records text[], p_quarantined jsonb, p_seq_from integer, p_volatile text[],
  p_price_factor numeric, p_seen_later bytea
) returns table (counts jsonb, seqs bytea, next_seq integer)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  run catalog.runs;
  stored catalog.checkpoints;
  piece record;
  total jsonb := coalesce(p_counts, '{}');
  named bytea := '';
  free_seq integer := p_seq_from;
  refused jsonb := '[]';
  -- The ranges of records that are still to be merged: where each begins, and where it ends.
  lows integer[] := array[1];
  highs integer[] := array[cardinality(p_records)];
  low integer;
  high integer;
  middle integer;
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  select * into run from catalog.runs where source_id = p_source and id = p_run;
  if p_counts is not null then
    -- The row is there from now on, so that two calls for one part wait for each other.
    insert into catalog.checkpoints (source_id, run_id, part_no, lines_done, bytes_done, done, counts, known, staged)
      values (p_source, p_run, p_part, 0, 0, false, '{}', p_known, p_staged) on conflict do nothing;
    select * into stored from catalog.checkpoints where source_id = p_source and run_id = p_run and part_no = p_part for update;
    if stored.lines_done <> p_lines_before then
      if stored.lines_done <> p_lines_done then
        perform catalog.fail('db/busy', format('Part %s of run %s stands at line %s, not %s', p_part, p_run, stored.lines_done, p_lines_before));
      end if;
      return query select stored.counts, stored.fresh, p_seq_from + cardinality(p_records);
      return;
    end if;
  end if;

  if cardinality(p_records) > 0 then
    perform catalog.ready_staging();
    -- Halves of what is refused find the record, among n with about 2 log n attempts.
    while cardinality(lows) > 0 loop
      low := lows[1];
      high := highs[1];
      lows := lows[2:];
      highs := highs[2:];
      begin
        if high - low + 1 < cardinality(p_records) then
          perform catalog.clear_staging();
        end if;
        select * into piece
          from catalog.merge_records(run, p_token, p_part, free_seq, p_records[low:high], p_volatile, p_price_factor, p_seen_later);
        total := catalog.add_counts(total, piece.counts);
        named := named || piece.seqs;
        free_seq := piece.next_seq;
      exception when string_data_right_truncation or numeric_value_out_of_range or invalid_datetime_format or datetime_field_overflow
        or character_not_in_repertoire or invalid_text_representation or untranslatable_character or not_null_violation
        or unique_violation or check_violation or program_limit_exceeded or statement_too_complex then
        if low = high then
          refused := refused || jsonb_build_object('record', low, 'why', sqlerrm);
        else
          middle := (low + high) / 2;
          lows := array[low, middle + 1] || lows;
          highs := array[middle, high] || highs;
        end if;
      end;
    end loop;
    if refused <> '[]' then
      raise exception using errcode = 'SHELF', hint = 'record/invalid', detail = jsonb_build_object('refused', refused)::text,
        message = format('Postgres cannot hold %s of %s records', jsonb_array_length(refused), cardinality(p_records));
    end if;
  end if;

  if jsonb_array_length(p_quarantined) > 0 then
    named := named || coalesce((select string_agg(int4send(seq), ''::bytea)
      from catalog.quarantine_records(p_source, p_run, p_token, run.artifact_run, p_part, p_quarantined) seq), '');
    total := catalog.add_counts(total, (select jsonb_build_object('quarantined', count(*), 'unreadable', count(*) filter (where q ->> 'external_id' is null))
      from jsonb_array_elements(p_quarantined) q));
  end if;
  if p_counts is not null then
    update catalog.checkpoints
      set lines_done = p_lines_done, bytes_done = p_bytes_done, done = p_done, counts = total, known = p_known, staged = p_staged, fresh = named
      where source_id = p_source and run_id = p_run and part_no = p_part;
  end if;
  return query select total, named, free_seq;
end $$;

-- What a person's commands ask, with or without a session.

create function catalog.list_sources() returns setof catalog.sources
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.sources order by name
$$;

-- add_source(…) → the new source; no row when the name is taken.
create function catalog.add_source(p_name text, p_connector text, p_settings jsonb, p_schedule jsonb) returns setof catalog.sources
language sql set search_path = pg_catalog, pg_temp as $$
  insert into catalog.sources (name, connector, settings, schedule) values (p_name, p_connector, p_settings, p_schedule)
    on conflict (name) do nothing returning *
$$;

-- save_source(…) → the source as it is then. Null leaves a member as it is; of the policy, what is named is changed. A schedule counts from
-- here on when its times change, which they do not with the day on which the run is full.
create function catalog.save_source(p_source integer, p_schedule jsonb, p_policy jsonb, p_state text) returns setof catalog.sources
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.sources
    set schedule = coalesce(p_schedule, schedule), policy = policy || coalesce(p_policy, '{}'),
        state = coalesce(p_state, state),
        schedule_set_at = case when p_schedule - 'fullOn' <> schedule - 'fullOn' then clock_timestamp() else schedule_set_at end
    where id = p_source returning *
$$;

-- set_settings(…) → the source with other settings. They may make another product of a record that has not changed, so the next full run looks
-- at every record again, and a run that was interrupted is given up.
--   run/active  a run is under way, which has read the settings already
create function catalog.set_settings(p_source integer, p_settings jsonb) returns setof catalog.sources
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  active catalog.runs;
begin
  perform from catalog.sources where id = p_source for update;
  select * into active from catalog.runs r where r.source_id = p_source and r.state in ('running', 'interrupted');
  if active.state = 'running' and (active.queued or exists (
      select from catalog.leases l where l.source_id = p_source and l.run_id = active.id and l.until > clock_timestamp())) then
    perform catalog.fail('run/active', format('Run %s of this source is under way with the settings as they are', active.id));
  end if;
  update catalog.runs set state = 'superseded', reason = 'given up because the settings of the source were changed', finished_at = clock_timestamp()
    where source_id = p_source and id = active.id;
  return query update catalog.sources set settings = p_settings, normaliser_version = 0 where id = p_source returning *;
end $$;

-- list_runs(source, state, limit) → the newest first, of all sources and in every state when null. `seconds` runs on while the run does.
create function catalog.list_runs(p_source text, p_state text, p_limit integer) returns table (
  id bigint, source text, kind text, state text, reason text, error_code text, started_at timestamptz, finished_at timestamptz, ledger jsonb,
  seconds double precision, removals_off text
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select r.id, s.name, r.kind, n.state, n.reason, r.error_code, r.started_at, n.finished_at, r.ledger,
    extract(epoch from coalesce(n.finished_at, clock_timestamp()) - r.started_at), r.removals_off
  from catalog.runs r join catalog.sources s on s.id = r.source_id cross join lateral catalog.run_now(r) n
  where (p_source is null or s.name = p_source) and (p_state is null or n.state = p_state)
  order by r.id desc limit p_limit
$$;

-- list_status(): how every source stands. Counts every product once.
create function catalog.list_status() returns table (
  source text, products jsonb, last_run jsonb, last_good_at timestamptz, due_since timestamptz, held_runs bigint[], open_reviews bigint,
  open_quarantine bigint, copied_run bigint, copy_error text, removals_off text
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select s.name,
    '{"draft": 0, "active": 0, "unavailable": 0, "removed": 0}' || coalesce((select jsonb_object_agg(status, n)
      from (select status, count(*) as n from catalog.products p where p.source_id = s.id group by status) k), '{}'),
    (select to_jsonb(l) from catalog.list_runs(s.name, null, 1) l),
    good.started_at, greatest(good.started_at, s.schedule_set_at),
    array(select r.id from catalog.runs r where r.source_id = s.id and r.state = 'held' order by r.id),
    (select count(*) from catalog.reviews v where v.source_id = s.id and v.state = 'open' and v.kind = 'price'),
    (select count(*) from catalog.quarantine q where q.source_id = s.id and q.state = 'open'),
    s.copied_run, s.copy_error, (select f.removals_off from catalog.last_full(s.id) f)
  from catalog.sources s
  cross join lateral (
    select max(r.started_at) as started_at from catalog.runs r where r.source_id = s.id and r.state = 'succeeded' and r.kind <> 'replay'
  ) good
  order by s.name
$$;

-- list_retained(…): every artifact of the source that is not purged. A run that is under way or held keeps the artifact that it applies, its
-- own or not. `whole`: the run succeeded with all that the supplier has. `closed`: its fetch came to an end. `archived`: it has parts, and nobody
-- has begun to remove them.
create function catalog.list_retained(p_source integer) returns table (
  run bigint, started_at timestamptz, finished_at timestamptz, good boolean, whole boolean, closed boolean, held boolean, latest boolean, archived boolean,
  stored_bytes bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.id, r.started_at, case when u.active then null else coalesce(r.finished_at, r.started_at) end, r.state = 'succeeded',
    r.kind = 'full' and r.state = 'succeeded' and a.state = 'closed' and a.complete and a.purge_began_at is null,
    a.state = 'closed' and a.purge_began_at is null, coalesce(u.held, false),
    s.latest_run is not distinct from r.id, p.stored_bytes is not null and a.purge_began_at is null, coalesce(p.stored_bytes, 0)
  from catalog.artifacts a
  join catalog.sources s on s.id = a.source_id
  join catalog.runs r on r.source_id = a.source_id and r.id = a.run_id
  cross join lateral (
    select bool_or(u.state in ('running', 'interrupted', 'fetched')) as active, bool_or(u.state = 'held') as held
    from catalog.runs u where u.source_id = a.source_id and u.artifact_run = a.run_id
  ) u
  cross join lateral (select sum(stored_bytes) as stored_bytes from catalog.parts p where p.source_id = r.source_id and p.run_id = r.id) p
  where a.source_id = p_source and a.state <> 'purged' order by r.id
$$;

-- begin_purge(…): from now on the bytes of this run may be gone.
create function catalog.begin_purge(p_source integer, p_run bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.artifacts set purge_began_at = now() where source_id = p_source and run_id = p_run and purge_began_at is null;
$$;

-- mark_purged(…): the bytes of these runs are gone, and how far they had been applied is forgotten with them.
create function catalog.mark_purged(p_source integer, p_runs bigint[]) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.artifacts set state = 'purged' where source_id = p_source and run_id = any (p_runs) and state <> 'purged';
  delete from catalog.checkpoints
    where source_id = p_source and run_id in (select id from catalog.runs where source_id = p_source and artifact_run = any (p_runs));
$$;

-- applied_versions(): the migrations that are in this database, whoever applied them: `shelfsync migrate`, init.sql or `supabase db push`.
create function catalog.applied_versions() returns setof text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  if to_regclass('catalog.migrations') is not null then
    return query execute 'select version from catalog.migrations';
  end if;
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    return query execute 'select version from supabase_migrations.schema_migrations';
  end if;
end $$;

-- offer_call(name): makes `pipeline.<name>`, which calls `catalog.<name>` with the same arguments and answers its rows as one JSON array. Called
-- anew after that function has changed. PostgREST takes the timeout over for the whole call, in place of its role's eight seconds:
-- https://docs.postgrest.org/en/stable/references/transactions.html#function-settings
create function catalog.offer_call(p_name text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  parameters text;
  arguments text;
  reader text;
begin
  select pg_get_function_arguments(p.oid), (select string_agg(format('%1$I => %1$I', a), ', ') from unnest(p.proargnames[1:p.pronargs]) a)
    into strict parameters, arguments
    from pg_catalog.pg_proc p where p.pronamespace = 'catalog'::regnamespace and p.proname = p_name;
  execute format($f$
    create or replace function pipeline.%1$I(%2$s) returns jsonb
    language sql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '55s'
    as 'select catalog.check_caller(); select coalesce(jsonb_agg(f), ''[]'') from catalog.%1$I(%3$s) f'
  $f$, p_name, parameters, arguments);
  execute format('revoke execute on function pipeline.%I from public', p_name);
  -- What a project grants by default on whatever is made.
  for reader in select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated') loop
    execute format('revoke execute on function pipeline.%I from %I', p_name, reader);
  end loop;
end $$;

-- let_work(role): lets a role of the Data API do the pipeline's work by calling the functions of schema `pipeline`. Called anew after another
-- function was offered.
create function catalog.let_work(worker text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  execute format('grant usage on schema pipeline to %I', worker);
  execute format('grant execute on all functions in schema pipeline to %I', worker);
  insert into catalog.callers (role) values (worker) on conflict do nothing;
end $$;

-- list_stray_grants() → rights that nothing here gives: who has them, what they allow, and the statement that takes them back.
create function catalog.list_stray_grants() returns table (grantee text, allows text, undo text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with rights as (
    select n.nspname as schema, 'routines' as kind, 'call functions' as what, a.grantee, p.proowner as owner, true as strays
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    where n.nspname = 'pipeline' or n.nspname = 'catalog' and p.prosecdef
    union all
    select n.nspname, 'tables', case a.privilege_type when 'SELECT' then 'read whole tables' else 'write tables' end, a.grantee, c.relowner,
      a.privilege_type <> 'SELECT' or a.grantee = 0 or pg_get_userbyid(a.grantee) in ('anon', 'authenticated')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join aclexplode(c.relacl) a
    where n.nspname = 'catalog' and c.relkind in ('r', 'p')
  ), stray as (
    select distinct r.schema, r.kind, r.what, case r.grantee when 0 then 'public' else pg_get_userbyid(r.grantee) end as role
    from rights r
    where r.strays and r.grantee <> r.owner
      and not (r.schema = 'catalog' and r.kind = 'routines' and pg_get_userbyid(r.grantee) in ('shelfsync_fetcher', 'shelfsync_maintainer', 'shelfsync_orchestrator'))
      and not (r.schema = 'pipeline' and exists (select from catalog.callers c where c.role = pg_get_userbyid(r.grantee)))
  )
  select role, format('%s of schema %s', what, schema),
    format('revoke all on all %s in schema %I from %s;', kind, schema, case role when 'public' then role else quote_ident(role) end)
      -- Which takes what was published with it.
      || case when kind = 'tables' and exists (select from pg_policies where schemaname = 'catalog' and policyname = 'published to ' || role)
        then format(' select catalog.publish(%L);', role) else '' end
  from stray order by 1, 2
$$;

revoke execute on all functions in schema catalog from public;
grant execute on function catalog.list_sources, catalog.applied_versions, catalog.list_stray_grants to shelfsync_fetcher, shelfsync_maintainer, shelfsync_orchestrator;
grant execute on function catalog.find_checkpoint, catalog.list_retained, catalog.begin_purge, catalog.mark_purged to shelfsync_maintainer;

-- Supabase's secret keys work as `service_role`, which may read what any reader may. Without such a role nobody may call anything here.
do $$
begin
  perform catalog.offer_call(name) from unnest(array[
    'find_source', 'list_sources', 'add_source', 'list_runs', 'list_status', 'list_retained', 'begin_purge', 'mark_purged', 'applied_versions',
    'list_stray_grants',
    'find_active_run', 'start_run', 'renew_lease', 'end_run', 'settle_run', 'find_artifact', 'note_artifact', 'add_part', 'list_parts',
    'list_checkpoints', 'newest_whole_artifact', 'note_copy', 'find_checkpoint', 'known_page', 'seen_after', 'name_products', 'reserve_seq', 'write_terms', 'write_batch'
  ]) name;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    perform catalog.let_work('service_role');
    perform catalog.publish('service_role');
  end if;
end $$;
