-- Generated from supabase/schemas/21_runs.sql until the first release: do not edit.

-- Runs: started, resumed, extended, ended, cancelled and reopened.

-- may_resume(active, …) → whether a request may resume the source's active run instead of starting one. The
-- active run has to be younger than `p_resume_within` and of the same normaliser.
--   replay      resumes only the same replay
--   keyed run   resumes only a run of the same keys
--   other runs  resume a run of their kind that covers at least as much, or with `p_resume_any` any run but a
--               replay
--   p_refetch   a run that has fetched everything is not resumed, because the request is to fetch again
create function catalog.may_resume(
  p_active catalog.runs, p_kind text, p_since timestamptz, p_artifact_run bigint, p_resume_any boolean,
  p_normaliser_version integer, p_resume_within interval, p_options jsonb, p_refetch boolean, p_keys text[]
) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(
    p_active.started_at > clock_timestamp() - p_resume_within
    and p_active.normaliser_version = p_normaliser_version
    and case p_kind
      when 'refresh' then p_active.keys = p_keys
      when 'import' then p_active.keys = p_keys
      when 'replay' then
        p_active.kind = 'replay' and p_active.artifact_run = p_artifact_run
        and p_active.options = p_options
      else
        p_resume_any and p_active.kind <> 'replay'
        or p_active.kind = p_kind and (p_active.since is null or p_active.since <= p_since)
    end
    and not (p_refetch and p_active.state in ('interrupted', 'fetched') and not exists (
      select from catalog.artifacts a
      where a.source_id = p_active.source_id and a.run_id = p_active.artifact_run and a.state = 'open')),
    false)
$$;

-- resume_run(active, …) → the run, running again. Its leases are deleted, which fences their workers.
create function catalog.resume_run(
  p_active catalog.runs, p_correlation_id text, p_queued boolean, p_options jsonb
) returns catalog.runs
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  run catalog.runs;
begin
  perform catalog.record_resumption(p_active);
  update catalog.runs r
    set state = 'running', reason = null, error_code = null, last_started_at = clock_timestamp(),
        finished_at = null, correlation_id = p_correlation_id, queued = p_queued, options = p_options
    where r.source_id = p_active.source_id and r.id = p_active.id returning * into run;
  delete from catalog.leases l where l.source_id = run.source_id and l.run_id = run.id;
  return run;
end $$;

-- insert_run(…) → a new run, with a new artifact unless it applies the one of `p_artifact_run`.
create function catalog.insert_run(
  p_source integer, p_kind text, p_since timestamptz, p_artifact_run bigint, p_normaliser_version integer,
  p_correlation_id text, p_queued boolean, p_options jsonb, p_keys text[],
  p_by_schedule boolean default false
) returns catalog.runs
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  run catalog.runs;
begin
  insert into catalog.runs
      (source_id, kind, since, keys, artifact_run, normaliser_version, correlation_id, queued, options,
        by_schedule, first_load)
    values (p_source, p_kind, p_since, p_keys, coalesce(p_artifact_run, 0), p_normaliser_version,
      p_correlation_id, p_queued, p_options, p_by_schedule,
      p_keys is null and not exists (select from catalog.products where source_id = p_source))
    returning * into run;
  if p_artifact_run is null then
    update catalog.runs r set artifact_run = run.id
      where r.source_id = p_source and r.id = run.id returning * into run;
    insert into catalog.artifacts (source_id, run_id) values (p_source, run.id);
  end if;
  return run;
end $$;

-- supersede_stale_keyed_runs(source, resume_within): supersedes interrupted refreshes and imports that
-- started too long ago to be resumed.
create function catalog.supersede_stale_keyed_runs(p_source integer, p_resume_within interval) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.runs
    set state = 'superseded', reason = 'it was interrupted for too long to be resumed',
        finished_at = clock_timestamp()
    where source_id = p_source and keys is not null and state = 'interrupted'
      and started_at <= clock_timestamp() - p_resume_within
$$;

-- take_over(active, dead_owner): ends the sessions of workers that had a lease of the run.
--   errors      run/active  a worker has a lease of the running run, unless it is `p_dead_owner`
create function catalog.take_over(p_active catalog.runs, p_dead_owner text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  worker text := (
    select l.owner from catalog.leases l
    where l.source_id = p_active.source_id and l.run_id = p_active.id and l.expires_at > clock_timestamp()
      and l.owner is distinct from p_dead_owner
    order by l.expires_at desc limit 1);
begin
  if p_active.state = 'running' and worker is not null then
    perform catalog.fail('run/active',
      format('Run %s of this source is under way on %s', p_active.id, split_part(worker, '/', 1)));
  end if;
  perform catalog.terminate_sessions(l.token)
    from catalog.leases l where l.source_id = p_active.source_id and l.run_id = p_active.id;
end $$;

-- is_scheduled(run, keyed) → whether a schedule may have started the run: a refresh, or a run of the whole
-- source.
create function catalog.is_scheduled(p_run catalog.runs, p_keyed boolean) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select case when p_keyed then p_run.kind = 'refresh' and p_run.options ? 'refreshTo'
              else p_run.kind in ('full', 'incremental') end
$$;

-- start_run(…) → the run, new or resumed (see may_resume); an active run that is not resumed is superseded.
--   started     this call started or resumed the run
--   token       null for a run of the queue: each of its tasks is claimed separately
--   superseded  the active run that was superseded, and its state before; null without one
--   idempotent  a second request for a queued run that is running returns it unchanged. With `p_after` (a
--               schedule's request: the last run that the scheduler has seen), a newer run of the source is
--               returned unchanged, in any state
--   keys        of a refresh or an import: the active run is then one of the same keys (a requested import
--               only with another one), else the one that is neither
--   ordering    requests for one source wait for each other
--   errors      run/active  another worker has the lease, unless it is `p_dead_owner`
create function catalog.start_run(
  p_source integer, p_kind text, p_since timestamptz, p_artifact_run bigint, p_resume_any boolean,
  p_normaliser_version integer, p_owner text, p_dead_owner text, p_lease interval, p_resume_within interval,
  p_correlation_id text, p_queued boolean, p_options jsonb, p_after bigint default null,
  p_refetch boolean default false, p_keys text[] default null
) returns table (
  run_id bigint, token bigint, started boolean, resumed boolean, kind text, since timestamptz,
  artifact_run bigint, first_load boolean, started_at timestamptz, superseded_run bigint,
  superseded_state text
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  active catalog.runs;
  run catalog.runs;
  resumes boolean;
  given bigint;
begin
  perform from catalog.sources where id = p_source for update;
  perform catalog.supersede_stale_keyed_runs(p_source, p_resume_within);
  select * into active from catalog.runs r
    where r.source_id = p_source and r.state in ('running', 'interrupted', 'fetched')
      and r.keys is not distinct from p_keys and r.options ? 'import' = p_options ? 'import';
  resumes := catalog.may_resume(active, p_kind, p_since, p_artifact_run, p_resume_any, p_normaliser_version,
    p_resume_within, p_options, p_refetch, p_keys);
  if p_after is not null and active.id is null then
    select * into run from catalog.runs r
      where r.source_id = p_source and r.id > p_after and catalog.is_scheduled(r, p_keys is not null)
      order by r.id desc limit 1;
  elsif p_queued and active.queued and active.state = 'running' then
    run := active;
  end if;
  if run.id is not null then
    return query select run.id, null::bigint, false, true, run.kind, run.since, run.artifact_run,
      run.first_load, run.started_at, null::bigint, null::text;
    return;
  end if;
  perform catalog.take_over(active, p_dead_owner);
  update catalog.sources s set due_at = null where s.id = p_source and s.due_at is not null;
  if resumes then
    run := catalog.resume_run(active, p_correlation_id, p_queued, p_options);
  else
    update catalog.runs r
      set state = 'superseded', reason = 'a newer run that could not resume it has replaced it',
          finished_at = clock_timestamp()
      where r.source_id = p_source and r.id = active.id;
    run := catalog.insert_run(p_source, p_kind, p_since, p_artifact_run, p_normaliser_version,
      p_correlation_id, p_queued, p_options, p_keys, p_after is not null);
  end if;
  if not p_queued then
    select l.token into given from catalog.take_lease(p_source, run.id, 'run', p_owner, null, p_lease) l;
  end if;
  return query select run.id, given, true, resumes, run.kind, run.since, run.artifact_run, run.first_load,
    run.started_at, nullif(active.id, run.id), case when active.id <> run.id then active.state end;
end $$;

-- extend_run(source, run) → whether a fetch-only run will now be applied too. False if it has ended or is
-- not fetch-only.
create function catalog.extend_run(p_source integer, p_run bigint) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with extended as (
    update catalog.runs set options = options - 'stages'
    where source_id = p_source and id = p_run and state = 'running' and queued and options ? 'stages'
    returning 1)
  select exists (select from extended)
$$;

-- record_run_end(): a trigger that appends the end of a run to run_ends.
--   ordering    numbers follow the order of commits, so that a reader that remembers the last one misses none
create function catalog.record_run_end() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtext('catalog.run_ends'));
  insert into catalog.run_ends (source_id, run_id, state, seconds, bytes)
    select new.source_id, new.id, new.state, extract(epoch from new.finished_at - new.started_at),
      (select coalesce(sum(raw_bytes), 0) from catalog.parts p
       where p.source_id = new.source_id and p.run_id = new.id)
      - (select coalesce(sum(bytes), 0) from catalog.run_ends e
         where e.source_id = new.source_id and e.run_id = new.id);
  -- The schedule of a run that was resumed counts from its first start again.
  if new.last_started_at > new.started_at then
    update catalog.sources set due_at = null where id = new.source_id and due_at is not null;
  end if;
  return null;
end $$;

create trigger record_run_end after update of state on catalog.runs for each row
  when (old.state in ('running', 'interrupted') and new.state not in ('running', 'interrupted'))
  execute function catalog.record_run_end();

-- end_run(source, run, token, state, code, reason, failure): ends a run that did not reach settle.
--   interrupted the next sync may resume it
--   fetched     as requested, unless extend_run came first; the next sync may resume it too
--   partial     it applied only some lines, as requested
--   failed      with `run/too-many-quarantined` its artifact is closed as it is, and can be replayed
--   p_failure   the class of the error if the host of the source has failed; null for any other error
--   idempotent  a call of a worker without the lease changes nothing
create function catalog.end_run(
  p_source integer, p_run bigint, p_token bigint, p_state text, p_code text, p_reason text,
  p_failure text default null
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  ended catalog.runs;
begin
  perform catalog.lock_run_exclusive(p_run);
  perform from catalog.sources where id = p_source for update;
  update catalog.runs r
    set state = p_state, error_code = p_code, reason = p_reason, finished_at = clock_timestamp()
    where source_id = p_source and id = p_run and state = 'running'
      and (p_state in ('interrupted', 'failed', 'partial') or p_state = 'fetched' and options ? 'stages')
      and exists (
        select from catalog.leases l where l.source_id = p_source and l.run_id = p_run and l.token = p_token)
    returning * into ended;
  if not found then return; end if;
  if p_code = 'run/too-many-quarantined' then
    update catalog.artifacts a set state = 'closed', warnings = a.warnings || to_jsonb(p_reason)
      where a.source_id = p_source and a.run_id = ended.artifact_run and a.state = 'open';
  end if;
  if p_failure is not null or p_state = 'fetched' then
    perform catalog.record_host_result(p_source, p_failure);
  end if;
end $$;

-- cancel_run(run) → the state of the run afterwards. A run that has ended stays as it is.
--   ordering    waits for open transactions of its workers; their next write fails with run/cancelled
--   errors      run/unknown
create function catalog.cancel_run(p_run bigint) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  ended text;
begin
  perform catalog.lock_run_exclusive(p_run);
  perform from catalog.sources s join catalog.runs r on r.source_id = s.id where r.id = p_run for update of s;
  update catalog.runs
    set state = 'cancelled', reason = 'cancelled by a person', finished_at = clock_timestamp()
    where id = p_run and state in ('running', 'interrupted', 'fetched');
  select state into ended from catalog.runs where id = p_run;
  if not found then
    perform catalog.fail('run/unknown', format('Run %s does not exist', p_run));
  end if;
  return ended;
end $$;

-- reopen_run(run) → whether the run is running for the queue again. Only the newest run of a source (of a
-- refresh or an import: the newest of the same keys), failed or interrupted, can be reopened.
create function catalog.reopen_run(p_run bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  stopped catalog.runs;
begin
  perform from catalog.sources s join catalog.runs r on r.source_id = s.id where r.id = p_run for update of s;
  select * into stopped from catalog.runs r where r.id = p_run;
  update catalog.runs r
    set state = 'running', queued = true, reason = null, error_code = null,
        last_started_at = clock_timestamp(), finished_at = null
    where r.id = p_run and r.state in ('failed', 'interrupted')
      and not exists (
        select from catalog.runs y
        where y.source_id = r.source_id and y.id > r.id and y.keys is not distinct from r.keys
          and y.options ? 'import' = r.options ? 'import');
  if not found then
    return false;
  end if;
  perform catalog.record_resumption(stopped);
  return true;
end $$;

-- interrupt_run(run, reason): ends a running run of the queue that no worker will finish, because its job is
-- a dead letter. The next sync may resume it.
create function catalog.interrupt_run(p_run bigint, p_reason text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select catalog.lock_run_exclusive(p_run);
  update catalog.runs set state = 'interrupted', reason = p_reason, finished_at = clock_timestamp()
  where id = p_run and state = 'running' and queued
$$;
