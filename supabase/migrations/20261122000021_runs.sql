-- Generated from supabase/schemas/21_runs.sql until the first release: do not edit.

-- Runs: started, widened, ended, cancelled and reopened.

-- start_run(…) → the run to work on: a new one as asked for, or the interrupted one. One that was to be fetched only, and was, goes on likewise.
--   exclusive   run/active while another worker's lease lasts, unless that worker is known to be dead
--   resume      an interrupted run younger than `p_resume_within`, of the same normaliser, is taken over, which fences whoever had it: one that
--               asks for at least as much, or with `p_resume_any` whichever there is but a replay; any other is superseded
--   anew        with `p_refetch` the supplier is asked: a run that was interrupted after it had fetched all is superseded too
--   queued      the run is for the queue: no lease and no token yet, each task is claimed by itself. Asked twice: the same run, untouched
--   after       a schedule's run, due since the run `p_after`: when there is a younger one already, that one, untouched
--   started     whether this call started or resumed it
create function catalog.start_run(
  p_source integer, p_kind text, p_since timestamptz, p_artifact_run bigint, p_resume_any boolean, p_normaliser_version integer,
  p_owner text, p_dead_owner text, p_lease interval, p_resume_within interval, p_correlation_id text, p_queued boolean, p_options jsonb, p_after bigint default null,
  p_refetch boolean default false
) returns table (
  run_id bigint, token bigint, started boolean, resumed boolean, kind text, since timestamptz, artifact_run bigint, first_load boolean, started_at timestamptz
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  active catalog.runs;
  lease catalog.leases;
  run catalog.runs;
  resumes boolean;
  given bigint;
begin
  perform from catalog.sources where id = p_source for update;
  select * into active from catalog.runs r where r.source_id = p_source and r.state in ('running', 'interrupted', 'fetched');
  resumes := coalesce(active.started_at > clock_timestamp() - p_resume_within and active.normaliser_version = p_normaliser_version and (case p_kind
    when 'replay' then active.kind = 'replay' and active.artifact_run = p_artifact_run and active.options = p_options
    else p_resume_any and active.kind <> 'replay' or active.kind = p_kind and (active.since is null or active.since <= p_since)
  end), false);
  if p_refetch and active.state in ('interrupted', 'fetched') then
    resumes := resumes and exists (select from catalog.artifacts a where a.source_id = p_source and a.run_id = active.artifact_run and a.state = 'open');
  end if;
  if p_after is not null and active.id is null then
    select * into active from catalog.runs r
      where r.source_id = p_source and r.id > p_after and r.kind in ('full', 'incremental') order by r.id desc limit 1;
    if found then
      return query select active.id, null::bigint, false, true, active.kind, active.since, active.artifact_run, active.first_load, active.started_at;
      return;
    end if;
  end if;
  if p_queued and active.queued and active.state = 'running' then
    return query select active.id, null::bigint, false, true, active.kind, active.since, active.artifact_run, active.first_load, active.started_at;
    return;
  end if;
  select * into lease from catalog.leases l
    where l.source_id = p_source and l.run_id = active.id and l.expires_at > clock_timestamp() and l.owner is distinct from p_dead_owner
    order by expires_at desc limit 1;
  if active.state = 'running' and lease.task is not null then
    perform catalog.fail('run/active', format('Run %s of this source is under way on %s', active.id, split_part(lease.owner, '/', 1)));
  end if;
  perform catalog.terminate_sessions(l.token) from catalog.leases l where l.source_id = p_source and l.run_id = active.id;
  if resumes then
    update catalog.runs r
      set state = 'running', reason = null, error_code = null, last_started_at = clock_timestamp(), finished_at = null,
          correlation_id = p_correlation_id, queued = p_queued, options = p_options
      where r.source_id = p_source and r.id = active.id returning * into run;
    delete from catalog.leases l where l.source_id = p_source and l.run_id = run.id;
  else
    update catalog.runs r set state = 'superseded', reason = 'given up for a newer run, which could not go on with it', finished_at = clock_timestamp()
      where r.source_id = p_source and r.id = active.id;
    insert into catalog.runs (source_id, kind, since, artifact_run, normaliser_version, correlation_id, queued, options, first_load)
      values (p_source, p_kind, p_since, coalesce(p_artifact_run, 0), p_normaliser_version, p_correlation_id, p_queued, p_options,
              not exists (select from catalog.products where source_id = p_source))
      returning * into run;
    if p_artifact_run is null then
      update catalog.runs r set artifact_run = run.id where r.source_id = p_source and r.id = run.id returning * into run;
      insert into catalog.artifacts (source_id, run_id) values (p_source, run.id);
    end if;
  end if;
  if not p_queued then
    select l.token into given from catalog.take_lease(p_source, run.id, 'run', p_owner, null, p_lease) l;
  end if;
  return query select run.id, given, true, resumes, run.kind, run.since, run.artifact_run, run.first_load, run.started_at;
end $$;

-- extend_run(…) → whether the run, ordered to be fetched only and still under way, is from now on to be applied too.
create function catalog.extend_run(p_source integer, p_run bigint) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with widened as (
    update catalog.runs set options = options - 'stages'
    where source_id = p_source and id = p_run and state = 'running' and queued and options ? 'stages'
    returning 1)
  select exists (select from widened)
$$;

-- record_run_end(): a trigger. Numbers are given in the order of commits, or a reader could pass one by.
create function catalog.record_run_end() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtext('catalog.run_ends'));
  insert into catalog.run_ends (source_id, run_id, state, seconds, bytes)
    select new.source_id, new.id, new.state, extract(epoch from new.finished_at - new.started_at),
      (select coalesce(sum(raw_bytes), 0) from catalog.parts p where p.source_id = new.source_id and p.run_id = new.id)
      - (select coalesce(sum(bytes), 0) from catalog.run_ends e where e.source_id = new.source_id and e.run_id = new.id);
  return null;
end $$;

create trigger record_run_end after update of state on catalog.runs for each row
  when (old.state in ('running', 'interrupted') and new.state not in ('running', 'interrupted'))
  execute function catalog.record_run_end();

-- end_run(…): ends a run that did not come to settle. `interrupted` keeps it for the next sync to resume; `partial` was never meant to settle;
-- `fetched` has done what was ordered, unless more has been asked for since: the next sync goes on with it too. A run that ends because of too
-- many bad records asks for nothing more, so its artifact is closed as it is, and can be replayed.
create function catalog.end_run(p_source integer, p_run bigint, p_token bigint, p_state text, p_code text, p_reason text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select catalog.lock_run_exclusive(p_run);
  with ended as (
    update catalog.runs r
    set state = p_state, error_code = p_code, reason = p_reason, finished_at = clock_timestamp()
    where source_id = p_source and id = p_run and state = 'running'
      and (p_state in ('interrupted', 'failed', 'partial') or p_state = 'fetched' and options ? 'stages')
      and exists (select from catalog.leases l where l.source_id = p_source and l.run_id = p_run and l.token = p_token)
    returning r.artifact_run)
  update catalog.artifacts a set state = 'closed', warnings = a.warnings || to_jsonb(p_reason)
    from ended e where a.source_id = p_source and a.run_id = e.artifact_run and a.state = 'open' and p_code = 'run/too-many-quarantined'
$$;

-- cancel_run(run) → its state afterwards. Waits for what is being written just now; whoever works on it is refused its next write. A run
-- that is over stays as it is.
create function catalog.cancel_run(p_run bigint) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  ended text;
begin
  perform catalog.lock_run_exclusive(p_run);
  update catalog.runs set state = 'cancelled', reason = 'cancelled by a person', finished_at = clock_timestamp()
    where id = p_run and state in ('running', 'interrupted', 'fetched');
  select state into ended from catalog.runs where id = p_run;
  if not found then
    perform catalog.fail('run/unknown', format('There is no run %s', p_run));
  end if;
  return ended;
end $$;

-- reopen_run(run) → whether it is running for the queue again. A run that failed or was interrupted can go on where it stopped while it is
-- its source's youngest.
create function catalog.reopen_run(p_run bigint) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select from catalog.sources s join catalog.runs r on r.source_id = s.id where r.id = p_run for update of s;
  with reopened as (
    update catalog.runs r set state = 'running', queued = true, reason = null, error_code = null, last_started_at = clock_timestamp(), finished_at = null
    where r.id = p_run and r.state in ('failed', 'interrupted')
      and not exists (select from catalog.runs y where y.source_id = r.source_id and y.id > r.id)
    returning 1)
  select exists (select from reopened)
$$;

-- interrupt_run(…): ends a queued run that no worker will finish, because its job is a dead letter. A later sync can go on with it.
create function catalog.interrupt_run(p_run bigint, p_reason text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select catalog.lock_run_exclusive(p_run);
  update catalog.runs set state = 'interrupted', reason = p_reason, finished_at = clock_timestamp()
  where id = p_run and state = 'running' and queued
$$;
