-- Generated from supabase/schemas/42_reviews.sql until the first release: do not edit.

-- A person's decisions on held runs. 44_decisions.sql has those on other reviews.

-- list_waiting_runs(source, run) → (run_id, ends): the held run, and the runs whose pending prices or
-- unpublished changes approving it would publish.
--   ends        how often the run has ended. A run writes only while it is running, so it has written nothing
--               since this number was read, if the number is the same
create function catalog.list_waiting_runs(p_source integer, p_run bigint)
returns table (run_id bigint, ends bigint)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with others as (select catalog.list_unpublished_by_others(p_source, p_run) as runs)
  select r.id, (
      select count(*) from catalog.run_ends e where e.source_id = p_source and e.run_id = r.id)
  from catalog.runs r, others
  where r.source_id = p_source and (r.id = p_run
    or r.state <> 'succeeded' and r.id <> all (others.runs) and (
      exists (
        select from catalog.prices p
        where p.source_id = p_source and p.run_id = r.id and p.state = 'pending')
      or exists (
        select from catalog.changes c
        where c.source_id = p_source and c.run_id = r.id and c.position is null)))
  order by r.id
$$;

-- format_diff_version(source, run) → the version of a held run's diff: `RUN:ENDS` of each waiting run. Only
-- another run, or one of them running again, can add to a diff, so the version names what a person has seen.
create function catalog.format_diff_version(p_source integer, p_run bigint) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select string_agg(format('%s:%s', run_id, ends), ',' order by run_id)
  from catalog.list_waiting_runs(p_source, p_run)
$$;

-- list_covered_runs(source, run, version) → waiting runs that this version names as they are now; all of them
-- with null.
--   errors      usage/invalid  it is not a version of this run's diff
create function catalog.list_covered_runs(p_source integer, p_run bigint, p_version text) returns bigint[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  covered bigint[] := array(
    select run_id from catalog.list_waiting_runs(p_source, p_run)
    where p_version is null or format('%s:%s', run_id, ends) = any (string_to_array(p_version, ',')));
begin
  if p_run <> all (covered) then
    perform catalog.fail('usage/invalid',
      format('"%s" is not a version of the diff of run %s: shelfsync runs diff %s shows it', p_version,
        p_run, p_run));
  end if;
  return covered;
end $$;

-- list_unseen_runs(source, run, covered) → waiting runs that are not in `p_covered`.
create function catalog.list_unseen_runs(p_source integer, p_run bigint, p_covered bigint[]) returns bigint[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select run_id from catalog.list_waiting_runs(p_source, p_run) where run_id <> all (p_covered))
$$;

-- count_diff(run, unseen, others) → (removals, prices, price_products): the effect of approving the held run,
-- without removals of products that the runs `p_unseen` have changed, and without the prices of `p_others`.
create function catalog.count_diff(
  p_run catalog.runs, p_unseen bigint[], p_others bigint[], out removals bigint, out prices bigint,
  out price_products bigint
)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  beside bigint[] := catalog.list_keyed_runs_beside(p_run.source_id, p_run.id);
  kept text[] := catalog.list_changed_products(p_run.source_id, p_unseen);
begin
  removals := 0;
  if catalog.proves_missing(catalog.load_run_facts(p_run.source_id, p_run.id)) then
    select count(*) into removals from catalog.products p
      where p.source_id = p_run.source_id and p.status <> 'removed'
        and case when p.seq < 8 * length(p_run.seen) then get_bit(p_run.seen, p.seq) = 0 else true end
        and p.run_id <= p_run.id and p.run_id <> all (beside) and p.external_id <> all (kept);
  end if;
  select count(*), count(distinct p.product_external_id) into prices, price_products
    from catalog.prices p
    where p.source_id = p_run.source_id and p.state = 'pending' and p.run_id <> all (p_others);
end $$;

-- assert_held(run) → the run.
--   errors      run/unknown · run/not-held, which names the person who has decided it
create function catalog.assert_held(p_run bigint) returns catalog.runs
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  run catalog.runs;
  decision text;
begin
  select * into run from catalog.runs r where r.id = p_run;
  if run.id is null then
    perform catalog.fail('run/unknown', format('Run %s does not exist', p_run));
  elsif run.state <> 'held' then
    select format(': %s %s it at %s', v.decided_by, v.state,
        to_char(v.decided_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')) into decision
      from catalog.reviews v
      where v.source_id = run.source_id and v.run_id = p_run and v.kind = 'run' and v.decided_by is not null;
    perform catalog.fail('run/not-held', format('Run %s is %s, not held%s', p_run, run.state, decision));
  end if;
  return run;
end $$;

-- lock_held_run(run, approve) → the run. Its row and its source stay locked, so that a second decision waits
-- and no run of the source starts.
--   errors      see assert_held · run/not-held, for an approval, when a newer run has read the catalogue
--               since
create function catalog.lock_held_run(p_run bigint, p_approve boolean) returns catalog.runs
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  run catalog.runs;
begin
  perform from catalog.runs where id = p_run for update;
  run := catalog.assert_held(p_run);
  perform from catalog.sources where id = run.source_id for update;
  if p_approve and run.keys is null and exists (
      select from catalog.runs r
      where r.source_id = run.source_id and r.id > p_run and r.keys is null
        and (r.seen is not null or r.state in ('running', 'interrupted', 'fetched'))) then
    perform catalog.fail('run/not-held',
      format('A newer run of this source has read the catalogue since run %s: decide on the newest one',
        p_run));
  end if;
  return run;
end $$;

-- approve_run(run, by, version) → as decide_run
create function catalog.approve_run(
  p_run catalog.runs, p_by text, p_version text, out state text, out removed integer, out prices bigint,
  out waiting_removals bigint, out waiting_prices bigint
)
language plpgsql set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  covered bigint[] := catalog.list_covered_runs(p_run.source_id, p_run.id, p_version);
  unseen bigint[] := catalog.list_unseen_runs(p_run.source_id, p_run.id, covered);
  -- Every run that is not covered, because one that is active now may end at any moment.
  others bigint[] := array(
    select r.id from catalog.runs r
    where r.source_id = p_run.source_id and r.state <> 'succeeded' and r.id <> all (covered));
  review catalog.reviews;
  whole record;
  seen record;
begin
  select v.* into review from catalog.reviews v
    where v.source_id = p_run.source_id and v.run_id = p_run.id and v.kind = 'run' and v.state = 'open';
  select * into whole from catalog.count_diff(p_run, '{}',
    catalog.list_unpublished_by_others(p_run.source_id, p_run.id));
  select * into seen from catalog.count_diff(p_run, unseen, others);
  if review.detail ? 'approvedBy' and seen.removals + seen.prices = 0 then
    perform catalog.fail('run/not-held', format(
      '%s has approved what you saw of run %s. Additions since then: shelfsync runs diff %s',
      review.detail ->> 'approvedBy', p_run.id, p_run.id));
  end if;
  removed := catalog.publish_run(p_run.source_id, p_run.id, p_run.seen, true, unseen, others);
  prices := seen.prices;
  waiting_removals := whole.removals - seen.removals;
  waiting_prices := whole.prices - seen.prices;
  state := case when waiting_removals + waiting_prices = 0 then 'succeeded' else 'held' end;
  if state = 'held' then
    review.reason := format('added since %s approved the others: %s', p_by, concat_ws(', ',
      case when waiting_removals > 0 then catalog.format_quantity(waiting_removals, 'removal') end,
      case when waiting_prices > 0 then catalog.format_quantity(waiting_prices, 'changed price') end));
    update catalog.reviews v
      set detail = v.detail || jsonb_build_object('approvedBy', p_by, 'approvedAt', now()),
          reason = review.reason
      where v.source_id = p_run.source_id and v.id = review.id;
  end if;
  update catalog.runs r
    set state = state, reason = case when state = 'held' then review.reason else r.reason end,
        ledger = r.ledger || jsonb_build_object('missing', waiting_removals,
          'removed', (r.ledger ->> 'removed')::bigint + removed)
    where r.source_id = p_run.source_id and r.id = p_run.id;
end $$;

-- reject_run(run): discards the pending prices and unpublished changes of the held run and of older runs.
create function catalog.reject_run(p_run catalog.runs) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  others bigint[] := catalog.list_unpublished_by_others(p_run.source_id, p_run.id);
begin
  update catalog.prices p set state = 'rejected', settled_run = p_run.id,
      expires_at = catalog.find_product_end(p.source_id, p.product_external_id)
    where source_id = p_run.source_id and run_id <= p_run.id and state = 'pending'
      and run_id <> all (others);
  delete from catalog.changes
    where source_id = p_run.source_id and run_id <= p_run.id and position is null and run_id <> all (others);
  update catalog.runs set state = 'rejected' where source_id = p_run.source_id and id = p_run.id;
end $$;

-- decide_run(run, approve, by, version) → (state, removed, prices, waiting_removals, waiting_prices).
-- Approving publishes the held run, and removes what is missing at once; rejecting discards its pending
-- prices and unpublished changes. Its products stay as they are.
--   p_version   of the diff that the person has seen, see summarize_run_diff. An approval covers nothing
--               else: what has appeared since waits, and the run stays held. A rejection needs none
--   state       succeeded, rejected, or held while something waits
--   prices      prices that became current
--   errors      see lock_held_run, also when another person has decided it · usage/invalid (an approval
--               without a version, or with one of another run) · see assert_person
create function catalog.decide_run(
  p_run bigint, p_approve boolean, p_by text, p_version text, p_reason text default null
) returns table (
  state text, removed integer, prices bigint, waiting_removals bigint, waiting_prices bigint
)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
  run catalog.runs := catalog.lock_held_run(p_run, p_approve);
begin
  perform catalog.assert_person(p_by);
  if p_approve and p_version is null then
    perform catalog.fail('usage/invalid', format(
      'An approval names the version of the diff that was seen: shelfsync runs diff %s shows it', p_run));
  elsif p_approve then
    select a.* into state, removed, prices, waiting_removals, waiting_prices
      from catalog.approve_run(run, p_by, p_version) a;
  else
    perform catalog.reject_run(run);
    select 'rejected', 0, 0, 0, 0 into state, removed, prices, waiting_removals, waiting_prices;
  end if;
  if state <> 'held' then
    update catalog.reviews v
      set state = case when p_approve then 'approved' else 'rejected' end, decided_at = now(),
          decided_by = p_by
      where v.source_id = run.source_id and v.kind = 'run' and v.run_id = p_run and v.state = 'open';
  end if;
  perform catalog.record_action(p_by, case when p_approve then 'run.approve' else 'run.reject' end, null,
    p_run, null, jsonb_strip_nulls(jsonb_build_object('version', p_version, 'removed', removed,
      'prices', prices)), p_reason);
  return next;
end $$;
