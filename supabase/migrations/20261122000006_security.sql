-- Who may do what. Nobody by default: row security without policies, no grants. Workers execute functions; readers are published to.

do $$
declare
  t text;
begin
  for t in select tablename from pg_tables where schemaname = 'catalog' loop
    execute format('alter table catalog.%I enable row level security', t);
  end loop;
end $$;

revoke all on schema catalog from public;
revoke all on schema api from public;
-- Later migrations have to do this again for their own functions: Postgres knows no default of this kind for one schema.
revoke execute on all functions in schema catalog from public;

-- Roles for processes, without login: grant them to login roles of your own. Each may call what its work needs, and reads no table.
--   fetcher       archives; cannot touch products
--   maintainer    applies and settles; cannot archive, and needs no supplier's key
--   orchestrator  takes orders, keeps the schedules, tells how things stand; neither archives nor applies
do $$
declare
  worker text;
begin
  foreach worker in array array['shelfsync_fetcher', 'shelfsync_maintainer', 'shelfsync_orchestrator'] loop
    if not exists (select from pg_roles where rolname = worker) then
      execute format('create role %I nologin', worker);
    end if;
  end loop;
end $$;

grant usage on schema catalog to shelfsync_fetcher, shelfsync_maintainer, shelfsync_orchestrator;
-- Each takes orders of its own, so each starts runs and puts them into the queue.
grant execute on function
  catalog.find_source, catalog.find_active_run, catalog.find_artifact, catalog.list_parts, catalog.start_run, catalog.widen_run, catalog.load_run,
  catalog.list_queued_runs, catalog.newest_whole_artifact
  to shelfsync_fetcher, shelfsync_maintainer, shelfsync_orchestrator;
grant execute on function
  catalog.claim_task, catalog.find_lease, catalog.renew_lease, catalog.release_task, catalog.end_run, catalog.list_checkpoints,
  catalog.note_copy
  to shelfsync_fetcher, shelfsync_maintainer;
grant execute on function catalog.newest_artifact to shelfsync_maintainer, shelfsync_orchestrator;
grant execute on function catalog.add_part, catalog.note_artifact to shelfsync_fetcher;
grant execute on function
  catalog.save_checkpoint, catalog.known_records, catalog.seen_after, catalog.name_products, catalog.reserve_seq,
  catalog.open_staging, catalog.clear_staging, catalog.apply_batch, catalog.quarantine_records, catalog.write_terms, catalog.settle_run
  to shelfsync_maintainer;
grant execute on function catalog.list_due, catalog.cancel_run, catalog.reopen_run, catalog.give_up_run, catalog.list_moot_runs to shelfsync_orchestrator;

-- publish(role): lets a role read the views. Columns are granted one by one, and `raw` never is: what a supplier sends may not be ours to show.
create function catalog.publish(reader text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  r record;
begin
  if not exists (select from pg_catalog.pg_roles where rolname = reader) then
    perform catalog.fail('usage/invalid', format('There is no role %s', reader));
  end if;
  execute format('grant usage on schema api to %I', reader);
  -- What one view is embedded into another with.
  execute format('grant execute on all functions in schema api to %I', reader);
  for r in
    select c.table_schema, c.table_name, string_agg(quote_ident(c.column_name), ', ') as columns
    from information_schema.columns c
    where c.column_name <> 'raw' and (
      c.table_schema = 'api' and c.table_name <> 'medipim_products_raw'
      or c.table_schema = 'catalog' and c.table_name in ('products', 'variants', 'prices', 'images', 'brands', 'organizations', 'categories', 'changes')
      or c.table_schema = 'catalog' and c.table_name = 'sources' and c.column_name in ('id', 'name', 'connector'))
    group by c.table_schema, c.table_name
  loop
    execute format('grant select (%s) on %I.%I to %I', r.columns, r.table_schema, r.table_name, reader);
    if r.table_schema = 'catalog' then
      execute format('drop policy if exists %I on catalog.%I', 'published to ' || reader, r.table_name);
      execute format('create policy %I on catalog.%I for select to %I using (true)', 'published to ' || reader, r.table_name, reader);
    end if;
  end loop;
end $$;

-- unpublish(role): takes it back.
create function catalog.unpublish(reader text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  p record;
begin
  for p in select tablename from pg_catalog.pg_policies where schemaname = 'catalog' and policyname = 'published to ' || reader loop
    execute format('drop policy %I on catalog.%I', 'published to ' || reader, p.tablename);
  end loop;
  execute format('revoke all on all tables in schema api from %I', reader);
  execute format('revoke all on all tables in schema catalog from %I', reader);
  execute format('revoke execute on all functions in schema api from %I', reader);
  execute format('revoke usage on schema api from %I', reader);
end $$;
revoke execute on function catalog.publish, catalog.unpublish from public;
