-- The functions that open, hold, feed and end a run. Workers have EXECUTE on these and nothing else.
-- Errors carry SQLSTATE SHELF and the error code as their hint.

create function catalog.fail(code text, message text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception using errcode = 'SHELF', hint = code, message = message;
end $$;

-- enter_run(run) and close_run(run): whoever works in a run enters it for the length of a transaction; whoever ends it waits until all are out
-- and lets nobody in before. The lock of the run's row cannot do that: Postgres lets a new sharer pass an update that waits, so that batches
-- which overlap would keep it waiting without end. Who may write is still for the rows to say.
create function catalog.enter_run(p_run bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select pg_catalog.pg_advisory_xact_lock_shared(1936221287, (p_run % 2147483647)::integer)
$$;

create function catalog.close_run(p_run bigint) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select pg_catalog.pg_advisory_xact_lock(1936221287, (p_run % 2147483647)::integer)
$$;

-- refuse_holder(…): fails with the reason why a worker may not go on.
--   run/cancelled  a person ended the run
--   run/fenced     the lease is another worker's, or nobody's
--   run/over       the lease is its own still, but the run has ended
create function catalog.refuse_holder(p_run bigint, p_token bigint, p_state text, p_leased boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_state = 'cancelled' then
    perform catalog.fail('run/cancelled', format('Run %s was cancelled', p_run));
  elsif p_leased or p_state is null then
    perform catalog.fail('run/over', format('Run %s is over: it is %s', p_run, coalesce(p_state, 'gone')));
  else
    perform catalog.fail('run/fenced', format('Run %s is no longer held by this worker: another one took it over (token %s)', p_run, p_token));
  end if;
end $$;

-- assert_lease(source, run, token): inside a transaction, proves that the caller still owns the run, or its task of it.
--   fencing     both rows are share-locked, so a takeover waits for this transaction, and this one fails after a takeover;
--               a lease that ran out without a takeover harms nobody. A key share lock lets renewals pass
--   refusals    see refuse_holder
create function catalog.assert_lease(p_source integer, p_run bigint, p_token bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  current_state text;
  leased boolean;
begin
  perform catalog.enter_run(p_run);
  select state into current_state from catalog.runs where source_id = p_source and id = p_run for share;
  perform from catalog.leases where source_id = p_source and run_id = p_run and token = p_token for key share;
  leased := found;
  if not leased or current_state is distinct from 'running' then
    perform catalog.refuse_holder(p_run, p_token, current_state, leased);
  end if;
  -- So that whoever takes over can find the session.
  perform pg_catalog.pg_advisory_xact_lock_shared(1936221286, (p_token % 2147483647)::integer);
end $$;

-- end_sessions(token): ends the sessions in which a holder whose lease is over still has a transaction open. It may have been cut off in the
-- middle of a COPY, behind a pooler that keeps the session alive: its locks would be waited for without end. Where the owner of this
-- function may not do that, the session's own time limits have to (src/db/pool.ts).
create function catalog.end_sessions(p_token bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_catalog.pg_terminate_backend(l.pid) from pg_catalog.pg_locks l
    where l.locktype = 'advisory' and l.classid = 1936221286 and l.objid = (p_token % 2147483647)::oid and l.objsubid = 2 and l.pid <> pg_backend_pid()
      and l.database = (select oid from pg_catalog.pg_database where datname = current_database());
exception when insufficient_privilege then null;
end $$;

-- take_lease(…) → a new token, null while another worker's lease lasts, unless that worker is known to be dead; and who had the lease before
-- and never gave it back.
create function catalog.take_lease(
  p_source integer, p_run bigint, p_task text, p_owner text, p_dead_owner text, p_lease interval, out token bigint, out taken_from text
) language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  perform catalog.end_sessions(l.token) from catalog.leases l
    where l.source_id = p_source and l.run_id = p_run and l.task = p_task and (l.until <= clock_timestamp() or l.owner = p_dead_owner);
  -- Waits for what the holder is writing just now. An upsert alone would not.
  select l.owner into taken_from from catalog.leases l where l.source_id = p_source and l.run_id = p_run and l.task = p_task for update;
  insert into catalog.leases as l (source_id, run_id, task, token, owner, until)
    values (p_source, p_run, p_task, nextval('catalog.tokens'), p_owner, clock_timestamp() + p_lease)
    on conflict (source_id, run_id, task) do update set token = excluded.token, owner = excluded.owner, until = excluded.until
      where l.until <= clock_timestamp() or l.owner = p_dead_owner
    returning l.token into token;
end $$;

-- start_run(…) → the run to work on: a new one as asked for, or the interrupted one. One that was to be fetched only, and was, goes on likewise.
--   exclusive   run/active while another worker's lease lasts, unless that worker is known to be dead
--   resume      an interrupted run younger than `p_resume_within`, of the same normaliser, is taken over, which fences whoever had it: one that
--               asks for at least as much, or with `p_resume_any` whichever there is but a replay; any other is superseded
--   anew        with `p_anew` the supplier is asked: a run that was interrupted after it had fetched all is superseded too
--   queued      the run is for the queue: no lease and no token yet, each task is claimed by itself. Asked twice: the same run, untouched
--   after       a schedule's run, due since the run `p_after`: when there is a younger one already, that one, untouched
--   begun       whether this call started or resumed it
create function catalog.start_run(
  p_source integer, p_kind text, p_since timestamptz, p_artifact_run bigint, p_resume_any boolean, p_normaliser_version integer,
  p_owner text, p_dead_owner text, p_lease interval, p_resume_within interval, p_correlation_id text, p_queued boolean, p_options jsonb, p_after bigint default null,
  p_anew boolean default false
) returns table (
  run_id bigint, token bigint, begun boolean, resumed boolean, kind text, since timestamptz, artifact_run bigint, first_load boolean, started_at timestamptz
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  active catalog.runs;
  lease catalog.leases;
  started catalog.runs;
  resumes boolean;
  given bigint;
begin
  perform from catalog.sources where id = p_source for update;
  select * into active from catalog.runs r where r.source_id = p_source and r.state in ('running', 'interrupted', 'fetched');
  resumes := coalesce(active.started_at > clock_timestamp() - p_resume_within and active.normaliser_version = p_normaliser_version and (case p_kind
    when 'replay' then active.kind = 'replay' and active.artifact_run = p_artifact_run and active.options = p_options
    else p_resume_any and active.kind <> 'replay' or active.kind = p_kind and (active.since is null or active.since <= p_since)
  end), false);
  if p_anew and active.state in ('interrupted', 'fetched') then
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
    where l.source_id = p_source and l.run_id = active.id and l.until > clock_timestamp() and l.owner is distinct from p_dead_owner
    order by until desc limit 1;
  if active.state = 'running' and lease.task is not null then
    perform catalog.fail('run/active', format('Run %s of this source is under way on %s', active.id, split_part(lease.owner, '/', 1)));
  end if;
  perform catalog.end_sessions(l.token) from catalog.leases l where l.source_id = p_source and l.run_id = active.id;
  if resumes then
    update catalog.runs r
      set state = 'running', reason = null, error_code = null, begun_at = clock_timestamp(), finished_at = null,
          correlation_id = p_correlation_id, queued = p_queued, options = p_options
      where r.source_id = p_source and r.id = active.id returning * into started;
    delete from catalog.leases l where l.source_id = p_source and l.run_id = started.id;
  else
    update catalog.runs r set state = 'superseded', reason = 'given up for a newer run, which could not go on with it', finished_at = clock_timestamp()
      where r.source_id = p_source and r.id = active.id;
    insert into catalog.runs (source_id, kind, since, artifact_run, normaliser_version, correlation_id, queued, options, first_load)
      values (p_source, p_kind, p_since, coalesce(p_artifact_run, 0), p_normaliser_version, p_correlation_id, p_queued, p_options,
              not exists (select from catalog.products where source_id = p_source))
      returning * into started;
    if p_artifact_run is null then
      update catalog.runs r set artifact_run = started.id where r.source_id = p_source and r.id = started.id returning * into started;
      insert into catalog.artifacts (source_id, run_id) values (p_source, started.id);
    end if;
  end if;
  if not p_queued then
    select l.token into given from catalog.take_lease(p_source, started.id, 'run', p_owner, null, p_lease) l;
  end if;
  return query select started.id, given, true, resumes, started.kind, started.since, started.artifact_run, started.first_load, started.started_at;
end $$;

-- claim_task(…) → the token for one task of a queued run, and the worker that had it and never gave it back.
--   run/over    the run has ended, or a process has taken all of it over: there is nothing left to do in it
--   run/active  another worker does this task
create function catalog.claim_task(
  p_source integer, p_run bigint, p_task text, p_owner text, p_dead_owner text, p_lease interval, out token bigint, out taken_from text
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.enter_run(p_run);
  perform from catalog.runs where source_id = p_source and id = p_run and state = 'running' and queued for share;
  if not found then
    perform catalog.fail('run/over', format('Run %s is not waiting for workers any more', p_run));
  end if;
  select l.token, l.taken_from into token, taken_from from catalog.take_lease(p_source, p_run, p_task, p_owner, p_dead_owner, p_lease) l;
  if token is null then
    perform catalog.fail('run/active', format('Another worker holds "%s" of run %s', p_task, p_run));
  end if;
end $$;

create function catalog.find_lease(p_source integer, p_run bigint, p_task text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select owner from catalog.leases where source_id = p_source and run_id = p_run and task = p_task
$$;

-- renew_lease(…): waits for nobody's batch. Refuses as refuse_holder says.
create function catalog.renew_lease(p_source integer, p_run bigint, p_token bigint, p_lease interval) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  current_state text;
  leased boolean;
begin
  select state into current_state from catalog.runs where source_id = p_source and id = p_run;
  update catalog.leases set until = clock_timestamp() + p_lease where source_id = p_source and run_id = p_run and token = p_token;
  leased := found;
  if not leased or current_state is distinct from 'running' then
    perform catalog.refuse_holder(p_run, p_token, current_state, leased);
  end if;
end $$;

-- release_task(…): the worker is done with its task, well or not; the next may take it at once.
create function catalog.release_task(p_source integer, p_run bigint, p_token bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from catalog.leases where source_id = p_source and run_id = p_run and token = p_token
$$;

-- note_end(): a trigger. Numbers are given in the order of commits, or a reader could pass one by.
create function catalog.note_end() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtext('catalog.run_ends'));
  insert into catalog.run_ends (source_id, run_id, state, seconds, bytes)
    select new.source_id, new.id, new.state, extract(epoch from new.finished_at - new.started_at),
      (select coalesce(sum(raw_bytes), 0) from catalog.parts p where p.source_id = new.source_id and p.run_id = new.id)
      - (select coalesce(sum(bytes), 0) from catalog.run_ends e where e.source_id = new.source_id and e.run_id = new.id);
  return null;
end $$;

create trigger note_end after update of state on catalog.runs for each row
  when (old.state in ('running', 'interrupted') and new.state not in ('running', 'interrupted'))
  execute function catalog.note_end();

-- end_run(…): ends a run that did not come to settle. `interrupted` keeps it for the next sync to resume; `partial` was never meant to settle;
-- `fetched` has done what was ordered, unless more has been asked for since: the next sync goes on with it too. A run that ends because of too
-- many bad records asks for nothing more, so its artifact is closed as it is, and can be replayed.
create function catalog.end_run(p_source integer, p_run bigint, p_token bigint, p_state text, p_code text, p_reason text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select catalog.close_run(p_run);
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
  perform catalog.close_run(p_run);
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
    update catalog.runs r set state = 'running', queued = true, reason = null, error_code = null, begun_at = clock_timestamp(), finished_at = null
    where r.id = p_run and r.state in ('failed', 'interrupted')
      and not exists (select from catalog.runs y where y.source_id = r.source_id and y.id > r.id)
    returning 1)
  select exists (select from reopened)
$$;

-- give_up_run(…): ends a queued run that no worker will finish, because its job is a dead letter. A later sync can go on with it.
create function catalog.give_up_run(p_run bigint, p_reason text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select catalog.close_run(p_run);
  update catalog.runs set state = 'interrupted', reason = p_reason, finished_at = clock_timestamp()
  where id = p_run and state = 'running' and queued
$$;

-- add_part(…) → when the part was archived. Its bytes are durable. The same part twice is one row.
create function catalog.add_part(
  p_source integer, p_run bigint, p_token bigint, p_no integer, p_key text, p_codec text, p_sha256 bytea,
  p_line_count bigint, p_raw_bytes bigint, p_stored_bytes bigint, p_cursor_after jsonb
) returns timestamptz
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  insert into catalog.parts (source_id, run_id, no, key, codec, sha256, line_count, raw_bytes, stored_bytes, cursor_after)
    values (p_source, p_run, p_no, p_key, p_codec, p_sha256, p_line_count, p_raw_bytes, p_stored_bytes, p_cursor_after)
    on conflict do nothing;
  return (select created_at from catalog.parts where source_id = p_source and run_id = p_run and no = p_no);
end $$;

-- note_artifact(…): what is known about the fetch so far; `p_complete` closes it with the proof. A watermark in the future is not one: the next
-- incremental run would ask for nothing until that time has come.
create function catalog.note_artifact(
  p_source integer, p_run bigint, p_token bigint, p_closed boolean, p_complete boolean, p_expected bigint, p_watermark timestamptz, p_warnings jsonb
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  update catalog.artifacts
    set state = case when p_closed then 'closed' else state end, complete = p_complete, expected = coalesce(p_expected, expected),
        watermark = greatest(case when p_watermark <= clock_timestamp() + interval '5 minutes' then p_watermark end, watermark), warnings = p_warnings
    where source_id = p_source and run_id = p_run;
end $$;

-- known_records(…): hash and number of every product that a record with the same hash would leave as it is.
create function catalog.known_records(p_source integer) returns table (seq integer, record_hash bytea)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select seq, record_hash from catalog.products where source_id = p_source and status <> 'removed'
$$;

-- reserve_seq(…): `p_count` product numbers; those not used are gaps that cost a bit each.
create function catalog.reserve_seq(p_source integer, p_count integer) returns integer
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.sources set next_seq = next_seq + p_count where id = p_source returning next_seq - p_count
$$;

create function catalog.save_checkpoint(
  p_source integer, p_run bigint, p_token bigint, p_part integer, p_lines_done bigint, p_bytes_done bigint, p_done boolean,
  p_counts jsonb, p_known bytea, p_staged bytea
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  insert into catalog.checkpoints (source_id, run_id, part_no, lines_done, bytes_done, done, counts, known, staged)
    values (p_source, p_run, p_part, p_lines_done, p_bytes_done, p_done, p_counts, p_known, p_staged)
    on conflict (source_id, run_id, part_no) do update
      set lines_done = excluded.lines_done, bytes_done = excluded.bytes_done, done = excluded.done,
          counts = excluded.counts, known = excluded.known, staged = excluded.staged;
end $$;

-- quarantine_records(…) → the numbers of the products that these records name, so that they count as seen.
--   p_records   [{line_no, byte_offset, byte_length, external_id, rule, message, raw (base64)}]
create function catalog.quarantine_records(p_source integer, p_run bigint, p_token bigint, p_artifact_run bigint, p_part integer, p_records jsonb)
returns setof integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.assert_lease(p_source, p_run, p_token);
  insert into catalog.quarantine (source_id, run_id, artifact_run, part_no, line_no, byte_offset, byte_length, external_id, rule, message, raw)
    select p_source, p_run, p_artifact_run, p_part, r.line_no, r.byte_offset, r.byte_length, r.external_id, r.rule, r.message, decode(r.raw, 'base64')
    from jsonb_to_recordset(p_records) as r (line_no integer, byte_offset bigint, byte_length bigint, external_id text, rule text, message text, raw text)
    on conflict (source_id, artifact_run, part_no, line_no) do update
      set run_id = excluded.run_id, rule = excluded.rule, message = excluded.message, external_id = excluded.external_id, state = 'open';
  return query
    select p.seq from catalog.products p
    where p.source_id = p_source
      and p.external_id in (select r.external_id from jsonb_to_recordset(p_records) as r (external_id text));
end $$;

-- What a worker reads: a source, the parts and checkpoints of a run, and what later settled runs saw.

create function catalog.find_source(p_name text) returns setof catalog.sources
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.sources where name = p_name
$$;

create function catalog.find_artifact(p_source integer, p_run bigint) returns setof catalog.artifacts
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.artifacts where source_id = p_source and run_id = p_run
$$;

create function catalog.newest_artifact(p_source integer) returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select max(run_id) from catalog.artifacts where source_id = p_source and state = 'closed'
$$;

-- newest_whole_artifact(…): of a full run, with the proof that nothing is missing, and all its bytes still there. Whatever became of the run.
create function catalog.newest_whole_artifact(p_source integer) returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select max(a.run_id) from catalog.artifacts a join catalog.runs r on r.source_id = a.source_id and r.id = a.run_id
  where a.source_id = p_source and a.state = 'closed' and a.complete and a.purge_began_at is null and r.kind = 'full'
$$;

-- note_copy(…): `latest.ndjson` of the source holds the artifact of that run, or could not be written. Neither run nor error: there is to be no copy.
create function catalog.note_copy(p_source integer, p_run bigint, p_error text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  update catalog.sources
    set copied_run = case when p_error is null then p_run else copied_run end, copy_error = p_error,
        copy_failures = copy_failures + case when p_error is null then 0 else 1 end
    where id = p_source
$$;

create function catalog.list_parts(p_source integer, p_run bigint) returns setof catalog.parts
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.parts where source_id = p_source and run_id = p_run order by no
$$;

create function catalog.list_checkpoints(p_source integer, p_run bigint) returns setof catalog.checkpoints
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from catalog.checkpoints where source_id = p_source and run_id = p_run order by part_no
$$;

-- seen_after(…): the bitmaps of the settled runs whose artifact is younger than that of `p_artifact_run`.
create function catalog.seen_after(p_source integer, p_artifact_run bigint) returns setof bytea
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select seen from catalog.runs where source_id = p_source and artifact_run > p_artifact_run and seen is not null
$$;

-- name_products(…): the ids behind product numbers.
create function catalog.name_products(p_source integer, p_seqs integer[]) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select external_id from catalog.products where source_id = p_source and seq = any (p_seqs)
$$;

-- widen_run(…) → whether the run, ordered to be fetched only and still under way, is from now on to be applied too.
create function catalog.widen_run(p_source integer, p_run bigint) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
  with widened as (
    update catalog.runs set options = options - 'stages'
    where source_id = p_source and id = p_run and state = 'running' and queued and options ? 'stages'
    returning 1)
  select exists (select from widened)
$$;

-- find_active_run(…): the run that is under way, or that the next sync goes on with. `owner`: who holds it, or some of its tasks, and `leased`: whether still.
create function catalog.find_active_run(p_source integer)
returns table (id bigint, kind text, state text, queued boolean, artifact_run bigint, options jsonb, owner text, leased boolean, started_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.id, r.kind, r.state, r.queued, r.artifact_run, r.options, l.owner, r.state = 'running' and l.until > clock_timestamp(), r.started_at
  from catalog.runs r
  left join lateral (
    select * from catalog.leases where source_id = r.source_id and run_id = r.id order by until desc limit 1
  ) l on true
  where r.source_id = p_source and r.state in ('running', 'interrupted', 'fetched')
$$;

-- silent_since(…) → since when nothing has been heard of whoever works on a run that is under way; null while its lease lasts. A queued run may
-- wait for workers without any lease, and one that a worker left goes to another a few seconds after that.
create function catalog.silent_since(p_source integer, p_run bigint, p_queued boolean) returns timestamptz
language sql stable set search_path = pg_catalog, pg_temp as $$
  select case
      when count(*) = 0 and p_queued then null
      when max(until) + case when p_queued then interval '5 seconds' else interval '0' end > clock_timestamp() then null
      else coalesce(max(until), clock_timestamp())
    end
  from catalog.leases where source_id = p_source and run_id = p_run
$$;

-- run_now(run) → its state as it is to be told: what nobody works on any more is interrupted, though nobody was left to write that down.
create function catalog.run_now(p_run catalog.runs, out state text, out reason text, out finished_at timestamptz)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  state := p_run.state;
  reason := p_run.reason;
  finished_at := p_run.finished_at;
  if p_run.state = 'running' then
    finished_at := catalog.silent_since(p_run.source_id, p_run.id, p_run.queued);
    if finished_at is not null then
      state := 'interrupted';
      reason := 'its worker has been silent for longer than its lease: another worker, or the next sync, resumes the run';
    end if;
  end if;
end $$;

-- list_due(): since when each active source may be due, for whoever keeps the schedules: when it was last begun with, or when its schedule was
-- set, if that was later. `at` is the one clock that counts. A run that was resumed and interrupted again waits for the next time; one that was
-- resumed and ended does not stand for the time at which it was resumed.
create function catalog.list_due() returns table (source text, schedule jsonb, last_run bigint, since timestamptz, at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, s.schedule, coalesce(r.id, 0), greatest(case when r.state in ('interrupted', 'fetched') then r.begun_at else r.started_at end, s.schedule_set_at), clock_timestamp()
  from catalog.sources s
  left join lateral (
    select id, state, started_at, begun_at from catalog.runs where source_id = s.id and kind in ('full', 'incremental') order by id desc limit 1
  ) r on true
  where s.state = 'active'
$$;

-- list_queued_runs(run): what the queue has to do, for whoever fills it: each run, or that one, with the parts that are not applied to their end.
create function catalog.list_queued_runs(p_run bigint default null)
returns table (source_id integer, source text, run_id bigint, begun_at timestamptz, options jsonb, closed boolean, parts_left integer[])
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.source_id, s.name, r.id, r.begun_at, r.options, a.state <> 'open', coalesce((
    select array_agg(p.no order by p.no) from catalog.parts p
    left join catalog.checkpoints c on c.source_id = p.source_id and c.run_id = r.id and c.part_no = p.no
    where p.source_id = r.source_id and p.run_id = r.artifact_run and not coalesce(c.done, false)), '{}')
  from catalog.runs r
  join catalog.sources s on s.id = r.source_id
  join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.artifact_run
  where r.state = 'running' and r.queued and (p_run is null or r.id = p_run)
$$;

-- list_moot_runs(runs): which of them a younger run of their source has made up for, or went with their source: what failed in them asks nothing
-- of anybody. A replay, which does not ask the supplier, makes up for replays only.
create function catalog.list_moot_runs(p_runs bigint[]) returns setof bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select asked.id from unnest(p_runs) as asked (id)
  where not exists (
    select from catalog.runs r
    where r.id = asked.id and not exists (
      select from catalog.runs y
      where y.source_id = r.source_id and y.id >= r.id and y.state = 'succeeded' and (y.kind <> 'replay' or r.kind = 'replay')))
$$;

-- load_run(…): a queued run as its workers need it.
create function catalog.load_run(p_source integer, p_run bigint)
returns table (kind text, since timestamptz, artifact_run bigint, first_load boolean, started_at timestamptz, options jsonb, correlation_id text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select kind, since, artifact_run, first_load, started_at, options, correlation_id from catalog.runs where source_id = p_source and id = p_run
$$;
