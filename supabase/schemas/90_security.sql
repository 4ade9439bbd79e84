-- Rights. By default there are none: row security without policies, and no grants. Workers execute functions;
-- readers get the views by `publish`.

-- assert_role(role): fails with `usage/invalid` if the role does not exist.
create function catalog.assert_role(reader text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = reader) then
    perform catalog.fail('usage/invalid', format('The role %s does not exist', reader));
  end if;
end $$;

-- list_relations() → the functions of schema api that belong to its views, each as `name(types)`. The others
-- are calls: see list_calls.
create function catalog.list_relations() returns setof text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select oid::regprocedure::text from pg_proc
  where pronamespace = 'api'::regnamespace and not starts_with(proname, 'rpc_') order by 1
$$;

-- publish(role): lets a role read the views. Columns are granted one by one, and `raw` never is: a supplier's
-- licence may not allow us to show it. The names of people in `price_decisions` are not granted either.
--   idempotent  a second call changes nothing; after a migration that adds columns it grants those too
--   errors      usage/invalid  the role does not exist
create function catalog.publish(reader text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  r record;
begin
  perform catalog.assert_role(reader);
  execute format('grant usage on schema api to %I', reader);
  -- The relations by which the Data API embeds one view into another.
  for r in select catalog.list_relations() as relation loop
    execute format('grant execute on function %s to %I', r.relation, reader);
  end loop;
  for r in
    select c.table_schema, c.table_name, string_agg(quote_ident(c.column_name), ', ') as columns
    from information_schema.columns c
    where c.column_name not in ('raw', 'accepted_by', 'stated') and (
      c.table_schema = 'api' and c.table_name not in ('medipim_products_raw', 'price_decisions')
      or c.table_schema = 'catalog' and c.table_name in (
        'products', 'variants', 'prices', 'images', 'brands', 'organizations', 'categories', 'changes',
        'enrichments', 'marketplaces', 'refresh_jobs')
      or c.table_schema = 'catalog' and c.table_name = 'sources'
        and c.column_name in ('id', 'name', 'connector', 'marketplace', 'roaster')
      or c.table_schema = 'catalog' and c.table_name = 'blobs'
        and c.column_name in ('sha256', 'type', 'width', 'height'))
    group by c.table_schema, c.table_name
  loop
    execute format('grant select (%s) on %I.%I to %I', r.columns, r.table_schema, r.table_name, reader);
    if r.table_schema = 'catalog' then
      execute format('drop policy if exists %I on catalog.%I', 'published to ' || reader, r.table_name);
      execute format('create policy %I on catalog.%I for select to %I using (true)',
        'published to ' || reader, r.table_name, reader);
    end if;
  end loop;
end $$;

-- unpublish(role): takes back every right of `publish`; those of `allow_calls` stay.
--   errors      usage/invalid  the role does not exist
create function catalog.unpublish(reader text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  p record;
begin
  perform catalog.assert_role(reader);
  for p in
    select tablename from pg_catalog.pg_policies
    where schemaname = 'catalog' and policyname = 'published to ' || reader
  loop
    execute format('drop policy %I on catalog.%I', 'published to ' || reader, p.tablename);
  end loop;
  execute format('revoke all on all tables in schema api from %I', reader);
  execute format('revoke all on all tables in schema catalog from %I', reader);
  for p in select catalog.list_relations() as relation loop
    execute format('revoke execute on function %s from %I', p.relation, reader);
  end loop;
  if not exists (select from catalog.call_roles c where c.role = reader) then
    execute format('revoke usage on schema api from %I', reader);
  end if;
end $$;

-- list_applied_versions() → versions of the migrations in this database, applied by `shelfsync migrate`,
-- init.sql or `supabase db push`.
create function catalog.list_applied_versions() returns setof text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  if to_regclass('catalog.migrations') is not null then
    return query execute 'select version from catalog.migrations';
  end if;
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    return query execute 'select version from supabase_migrations.schema_migrations';
  end if;
end $$;

-- list_worker_roles() → the roles for processes.
create function catalog.list_worker_roles() returns name[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select array[
    'shelfsync_fetcher', 'shelfsync_maintainer', 'shelfsync_orchestrator', 'shelfsync_web',
    'shelfsync_images', 'shelfsync_deliver']::name[]
$$;

-- list_unexpected_grants() → (grantee, allows, undo): rights on catalog and pipeline that no function or
-- migration here has granted, and the statement that revokes them.
create function catalog.list_unexpected_grants() returns table (grantee text, allows text, undo text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with rights as (
    select n.nspname as schema, 'routines' as kind, 'call functions' as what, a.grantee, p.proowner as owner,
      true as unexpected
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    where n.nspname = 'pipeline' or n.nspname = 'catalog' and p.prosecdef
    union all
    select n.nspname, 'tables',
      case a.privilege_type when 'SELECT' then 'read whole tables' else 'write tables' end, a.grantee,
      c.relowner,
      a.privilege_type <> 'SELECT' or a.grantee = 0
        or pg_get_userbyid(a.grantee) in ('anon', 'authenticated')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join aclexplode(c.relacl) a
    where n.nspname = 'catalog' and c.relkind in ('r', 'p')
  ), found as (
    select distinct r.schema, r.kind, r.what,
      case r.grantee when 0 then 'public' else pg_get_userbyid(r.grantee) end as role
    from rights r
    where r.unexpected and r.grantee <> r.owner
      and not (r.schema = 'catalog' and r.kind = 'routines'
        and pg_get_userbyid(r.grantee) = any (catalog.list_worker_roles()))
      and not (r.schema = 'pipeline' and exists (
        select from catalog.data_api_roles c where c.role = pg_get_userbyid(r.grantee)))
  )
  select role, format('%s of schema %s', what, schema),
    format('revoke all on all %s in schema %I from %s;', kind, schema,
        case role when 'public' then role else quote_ident(role) end)
      -- The revocation takes away what was published with it.
      || case when kind = 'tables' and exists (
          select from pg_policies where schemaname = 'catalog' and policyname = 'published to ' || role)
        then format(' select catalog.publish(%L);', role) else '' end
  from found order by 1, 2
$$;

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
revoke all on schema pipeline from public;

-- A later migration repeats this for its own functions: Postgres has no such default for one schema.
revoke execute on all functions in schema catalog from public;
revoke execute on all functions in schema api from public;

-- Roles for processes, without login: an operator grants them to login roles. Each may execute the functions
-- that its work needs, and reads no table.
--   fetcher       archives; it cannot write products
--   maintainer    applies and settles; it cannot archive, and needs no supplier's credentials
--   orchestrator  accepts requests, keeps the schedules and reports the state; it neither archives nor
--                 applies
--   web           serves the dashboard: 91_web_rights.sql
--   images        stores images; it sees no product besides their addresses, and takes no part in a run
--   deliver       sends the changes to webhooks; it sees nothing but the feed, and takes no part in a run
do $$
declare
  worker text;
begin
  foreach worker in array catalog.list_worker_roles() loop
    if not exists (select from pg_roles where rolname = worker) then
      execute format('create role %I nologin', worker);
    end if;
  end loop;
end $$;
grant usage on schema catalog
  to shelfsync_fetcher, shelfsync_maintainer, shelfsync_orchestrator, shelfsync_web, shelfsync_images,
  shelfsync_deliver;

-- Any process may judge alerts and send their messages.
grant execute on function
  catalog.beat_alerts, catalog.leave_alerts, catalog.load_alert_facts, catalog.list_alerts,
  catalog.list_alert_channels, catalog.save_alerts, catalog.record_notices, catalog.list_reported_ends
  to shelfsync_fetcher, shelfsync_maintainer, shelfsync_orchestrator, shelfsync_web, shelfsync_images,
  shelfsync_deliver;

-- Each role takes requests, so each starts runs and puts them into the queue.
grant execute on function
  catalog.find_source, catalog.list_sources, catalog.find_active_run, catalog.find_artifact,
  catalog.list_product_seqs,
  catalog.list_parts, catalog.start_run, catalog.extend_run, catalog.load_run, catalog.list_queued_runs,
  catalog.find_newest_full_artifact, catalog.summarize_runs, catalog.summarize_sources,
  catalog.record_action,
  catalog.survey_sources, catalog.source_healths, catalog.load_status,
  catalog.list_applied_versions, catalog.list_unexpected_grants
  to shelfsync_fetcher, shelfsync_maintainer, shelfsync_orchestrator;
grant execute on function
  catalog.claim_task, catalog.find_lease_owner, catalog.renew_lease, catalog.release_task, catalog.end_run,
  catalog.list_checkpoints, catalog.load_work_done, catalog.record_copy
  to shelfsync_fetcher, shelfsync_maintainer;
grant execute on function catalog.find_newest_artifact to shelfsync_maintainer, shelfsync_orchestrator;
grant execute on function catalog.add_part, catalog.update_artifact, catalog.record_quota,
  catalog.record_retries to shelfsync_fetcher;
grant execute on function
  catalog.admit_request, catalog.hold_limit, catalog.leave_limit, catalog.delay_limit, catalog.load_breaker,
  catalog.save_breaker
  to shelfsync_fetcher, shelfsync_maintainer, shelfsync_images, shelfsync_deliver;
grant execute on function
  catalog.list_new_images, catalog.link_images, catalog.claim_images, catalog.renew_images,
  catalog.release_images, catalog.find_blob, catalog.store_image, catalog.fail_image,
  catalog.mark_unused_images, catalog.begin_blob_removal, catalog.end_blob_removal
  to shelfsync_images;
grant execute on function catalog.list_applied_versions to shelfsync_images, shelfsync_deliver;
grant execute on function catalog.queue_deliveries, catalog.claim_deliveries, catalog.finish_delivery,
  catalog.remove_old_deliveries to shelfsync_deliver;
grant execute on function catalog.list_webhooks to shelfsync_deliver, shelfsync_orchestrator;
grant execute on function catalog.measure_images to shelfsync_orchestrator, shelfsync_images;
grant execute on function
  catalog.measure_part,
  catalog.save_checkpoint, catalog.find_checkpoint, catalog.list_known_records, catalog.list_newer_seen,
  catalog.list_product_ids, catalog.list_overwritten_products, catalog.reserve_seqs, catalog.open_staging,
  catalog.clear_staging, catalog.apply_batch, catalog.quarantine_records, catalog.upsert_terms,
  catalog.settle_run, catalog.open_plan, catalog.plan_batch, catalog.plan_run, catalog.list_missing,
  catalog.list_retained_artifacts, catalog.begin_purge, catalog.mark_purged, catalog.purge_expired,
  catalog.remove_old_changes, catalog.queue_enrichments, catalog.claim_enrichment,
  catalog.finish_enrichment, catalog.has_enrichments,
  catalog.find_model_response, catalog.save_model_response, catalog.propose_value,
  catalog.withdraw_proposals
  to shelfsync_maintainer;
grant execute on function
  catalog.list_due_sources, catalog.save_due_times, catalog.list_due_refreshes, catalog.list_refresh_keys,
  catalog.list_due_products, catalog.plan_refresh,
  catalog.cancel_run, catalog.reopen_run, catalog.interrupt_run,
  catalog.list_obsolete_runs, catalog.list_runs, catalog.describe_run, catalog.list_artifacts,
  catalog.list_changes, catalog.list_reviews, catalog.list_quarantine, catalog.measure_sources,
  catalog.list_run_ends, catalog.measure_work, catalog.measure_alerts, catalog.measure_people,
  catalog.measure_storage, catalog.list_breakers, catalog.list_limits, catalog.load_breaker
  to shelfsync_orchestrator;

-- Supabase's secret keys work as `service_role`, which may read what readers may. Without that role, no role
-- may call the functions of schema `pipeline`.
do $$
begin
  perform catalog.expose_function(name) from unnest(array[
    'find_source', 'find_successions', 'list_sources', 'add_source', 'list_runs', 'summarize_sources',
    'survey_sources', 'source_healths', 'count_products',
    'summarize_runs', 'describe_run', 'list_changes', 'summarize_run_diff', 'list_run_diff', 'list_reviews',
    'count_listed',
    'decide_run', 'decide_review', 'record_action', 'list_actions',
    'list_queue', 'count_queue', 'edit_review', 'list_review_rules', 'add_review_rule', 'remove_review_rule',
    'list_applied_versions', 'list_unexpected_grants',
    'admit_request', 'hold_limit', 'leave_limit', 'delay_limit', 'load_breaker', 'save_breaker',
    'list_breakers', 'list_limits', 'measure_images', 'count_images',
    'list_due_products', 'load_refresh_schedule', 'plan_refresh', 'record_quota', 'record_retries',
    'measure_freshness',
    'find_active_run', 'start_run', 'renew_lease', 'end_run', 'settle_run',
    'find_artifact', 'find_newest_full_artifact', 'update_artifact', 'add_part', 'list_parts', 'record_copy',
    'list_retained_artifacts', 'begin_purge', 'mark_purged', 'purge_expired',
    'load_work_done', 'find_checkpoint', 'list_checkpoints', 'list_known_records_page', 'list_newer_seen',
    'list_product_ids', 'list_product_seqs', 'list_overwritten_products', 'reserve_seqs', 'upsert_terms',
    'write_batch', 'list_imported_products'
  ]) name;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    perform catalog.allow_data_api('service_role');
    perform catalog.allow_calls('service_role');
    perform catalog.publish('service_role');
  end if;
end $$;
