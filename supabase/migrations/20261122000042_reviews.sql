-- Generated from supabase/schemas/42_reviews.sql until the first release: do not edit.

-- A person's decisions on held runs and held prices.

-- decide_run(run, approve, by) → products removed. Approving publishes the held run, and removes what is
-- missing at once; rejecting discards its pending prices and unpublished changes. Its products stay as they
-- are.
--   errors      run/unknown · run/not-held, also for an approval when a newer run has read the catalogue
--               since
create function catalog.decide_run(p_run bigint, p_approve boolean, p_by text) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  run catalog.runs;
  others bigint[];
  removed integer := 0;
begin
  select * into run from catalog.runs r where r.id = p_run for update;
  if run.id is null then
    perform catalog.fail('run/unknown', format('Run %s does not exist', p_run));
  elsif run.state <> 'held' then
    perform catalog.fail('run/not-held', format('Run %s is %s, not held', p_run, run.state));
  elsif p_approve and run.keys is null and exists (
      select from catalog.runs r
      where r.source_id = run.source_id and r.id > p_run and r.keys is null
        and (r.seen is not null or r.state in ('running', 'interrupted', 'fetched'))) then
    perform catalog.fail('run/not-held',
      format('A newer run of this source has read the catalogue since run %s: decide on the newest one',
        p_run));
  end if;
  if p_approve then
    removed := catalog.publish_run(run.source_id, p_run, run.seen, true);
  else
    others := catalog.list_unpublished_by_others(run.source_id, p_run);
    update catalog.prices set state = 'rejected', settled_run = p_run
      where source_id = run.source_id and run_id <= p_run and state = 'pending' and run_id <> all (others);
    delete from catalog.changes
      where source_id = run.source_id and run_id <= p_run and position is null and run_id <> all (others);
  end if;
  update catalog.runs r
    set state = case when p_approve then 'succeeded' else 'rejected' end,
        ledger = r.ledger || jsonb_build_object('removed', removed)
    where r.source_id = run.source_id and r.id = p_run;
  update catalog.reviews
    set state = case when p_approve then 'approved' else 'rejected' end, decided_at = now(), decided_by = p_by
    where source_id = run.source_id and kind = 'run' and run_id = p_run and state = 'open';
  return removed;
end $$;

-- decide_price(review, approve, by): a held price becomes current, or is rejected. A rejected price that the
-- supplier states again changes nothing.
--   errors      review/unknown
create function catalog.decide_price(p_review bigint, p_approve boolean, p_by text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  review catalog.reviews;
begin
  select * into review
    from catalog.reviews r where r.id = p_review and r.kind = 'price' and r.state = 'open' for update;
  if review.id is null then
    perform catalog.fail('review/unknown', format('Price review %s is not open', p_review));
  end if;
  if p_approve then
    update catalog.prices set state = 'past'
      where source_id = review.source_id and product_external_id = review.product_external_id
        and variant_external_id = review.variant_external_id and price_type = review.price_type
        and state = 'current';
  end if;
  update catalog.prices set state = case when p_approve then 'current' else 'rejected' end
    where source_id = review.source_id and product_external_id = review.product_external_id
      and variant_external_id = review.variant_external_id and price_type = review.price_type
      and run_id = review.run_id and state = 'held';
  update catalog.reviews
    set state = case when p_approve then 'approved' else 'rejected' end, decided_at = now(), decided_by = p_by
    where source_id = review.source_id and id = p_review;
end $$;
