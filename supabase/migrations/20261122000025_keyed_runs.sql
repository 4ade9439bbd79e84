-- Generated from supabase/schemas/25_keyed_runs.sql until the first release: do not edit.

-- Keyed runs: runs of the kinds refresh and import, which cover named products. They may run beside any other
-- run of their source. They never prove that a product is missing, and they publish only what they wrote
-- themselves.

-- list_keyed_runs_beside(source, run) → older keyed runs that were active at some time since the run started.
-- A newer run beside it is keyed too, so `run_id > run or run_id = any (…)` selects all of them.
create function catalog.list_keyed_runs_beside(p_source integer, p_run bigint) returns bigint[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select k.id from catalog.runs r
    join catalog.runs k on k.source_id = r.source_id and k.id < r.id and k.kind in ('refresh', 'import')
      and (k.state in ('running', 'interrupted', 'fetched') or k.finished_at >= r.started_at)
    where r.source_id = p_source and r.id = p_run)
$$;

-- list_unpublished_by_others(source, run) → the runs whose pending prices and unpublished changes stay as
-- they are when this run is published or rejected.
--   keyed run   every other run that has not succeeded
--   other runs  keyed runs that are active, and newer keyed runs that are held. This run publishes all else
--               that older runs left unpublished
create function catalog.list_unpublished_by_others(p_source integer, p_run bigint) returns bigint[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select o.id from catalog.runs r
    join catalog.runs o on o.source_id = r.source_id and o.id <> r.id
    where r.source_id = p_source and r.id = p_run and case
      when r.kind in ('refresh', 'import') then o.state <> 'succeeded'
      else o.state in ('running', 'interrupted', 'fetched') or o.state = 'held' and o.id > r.id
    end)
$$;

-- load_requested_at(source, artifact_run, part) → when the part was requested, or the first part of the
-- artifact. The supplier may have read a record at any time from then on. Without a part, the start of the
-- run.
create function catalog.load_requested_at(p_source integer, p_artifact_run bigint, p_part integer)
returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(
    (select requested_at from catalog.parts
     where source_id = p_source and run_id = p_artifact_run and no = p_part),
    (select min(requested_at) from catalog.parts where source_id = p_source and run_id = p_artifact_run),
    (select started_at from catalog.runs where source_id = p_source and id = p_artifact_run))
$$;

-- is_newer_artifact(source, artifact_run, than) → whether the first artifact was requested after the second.
create function catalog.is_newer_artifact(p_source integer, p_artifact_run bigint, p_than bigint)
returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select (catalog.load_requested_at(p_source, p_artifact_run, null), p_artifact_run)
    > (catalog.load_requested_at(p_source, p_than, null), p_than)
$$;

-- list_overwritten_products(source, run) → numbers of products whose rows a keyed run wrote beside this run,
-- although it had requested them before this run did.
create function catalog.list_overwritten_products(p_source integer, p_run bigint) returns setof integer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  own bigint := (select artifact_run from catalog.runs where source_id = p_source and id = p_run);
  overwriting bigint[] := array(
    select k from unnest(catalog.list_keyed_runs_beside(p_source, p_run)) k
    where catalog.is_newer_artifact(p_source, own, k));
begin
  if cardinality(overwriting) > 0 then
    return query select seq from catalog.products where source_id = p_source and run_id = any (overwriting);
  end if;
end $$;

-- mark_seen(source, run, artifact_run, part): a keyed run records in the rows of unchanged products that it
-- saw them, while another run of the source is active or held. An older record then cannot overwrite them,
-- and a full run cannot remove them.
create function catalog.mark_seen(p_source integer, p_run bigint, p_artifact_run bigint, p_part integer)
returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
begin
  if not exists (
    select from catalog.runs r
    where r.source_id = p_source and r.id = p_run and r.kind in ('refresh', 'import') and exists (
      select from catalog.runs o
      where o.source_id = p_source and o.id <> p_run
        and o.state in ('running', 'interrupted', 'fetched', 'held')))
  then
    return;
  end if;
  update catalog.products p set run_id = p_artifact_run, part_no = p_part, line_no = j.line_no
    from pg_temp.verdicts j
    where j.verdict = 'unchanged' and not j.is_older and p.source_id = p_source
      and p.external_id = j.external_id and p.run_id <> p_artifact_run;
end $$;
