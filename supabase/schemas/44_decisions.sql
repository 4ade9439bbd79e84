-- A person's decisions on reviews. Runs are decided by 42_reviews.sql.

-- explain_closed_review(review) → why a person cannot decide on it.
create function catalog.explain_closed_review(p_review bigint) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce((
    select case
      when v.decided_by is not null then format('Review %s is not open: %s %s it at %s', p_review,
        v.decided_by, v.state, to_char(v.decided_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'))
      else format('Review %s is not open: a later run closed it', p_review)
    end
    from catalog.reviews v where v.id = p_review and v.state <> 'open'
  ), format('Review %s does not exist', p_review))
$$;

-- lock_open_review(review) → the review, locked until the end of the transaction.
--   errors      review/unknown, which names the person who has decided it
create function catalog.lock_open_review(p_review bigint) returns catalog.reviews
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  review catalog.reviews;
begin
  select * into review from catalog.reviews r where r.id = p_review and r.state = 'open' for update;
  if review.id is null then
    perform catalog.fail('review/unknown', catalog.explain_closed_review(p_review));
  end if;
  return review;
end $$;

-- decide_price(review, approve): a held price becomes current, which publishes a change, or is rejected. A
-- rejected price that the supplier states again changes nothing.
create function catalog.decide_price(p_review catalog.reviews, p_approve boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if p_approve then
    perform catalog.publish_price(p_review, (
      select amount_minor from catalog.prices
      where source_id = p_review.source_id and product_external_id = p_review.product_external_id
        and variant_external_id = p_review.variant_external_id and price_type = p_review.price_type
        and run_id = p_review.run_id and state = 'held'));
    perform catalog.end_current_price(p_review);
  end if;
  update catalog.prices p set state = case when p_approve then 'current' else 'rejected' end,
      expires_at = case when not p_approve
        then catalog.find_product_end(p.source_id, p.product_external_id) end
    where source_id = p_review.source_id and product_external_id = p_review.product_external_id
      and variant_external_id = p_review.variant_external_id and price_type = p_review.price_type
      and run_id = p_review.run_id and state = 'held';
end $$;

-- publish_price(review, amount): publishes the change from the current price of the review's variant and type
-- to the amount; null withdraws it.
create function catalog.publish_price(p_review catalog.reviews, p_amount bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform catalog.publish_decision(p_review, 'repriced', jsonb_build_object(
    format('price:%s:%s', p_review.variant_external_id, p_review.price_type), jsonb_build_array((
      select c.amount_minor from catalog.prices c
      where c.source_id = p_review.source_id and c.product_external_id = p_review.product_external_id
        and c.variant_external_id = p_review.variant_external_id and c.price_type = p_review.price_type
        and c.state = 'current' and (c.expires_at is null or c.expires_at > now())), p_amount)));
end $$;

-- end_current_price(review): the current price of the review's variant and type becomes past, or is deleted
-- if the source keeps no history.
create function catalog.end_current_price(p_review catalog.reviews) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  update catalog.prices set state = 'past'
    where source_id = p_review.source_id and product_external_id = p_review.product_external_id
      and variant_external_id = p_review.variant_external_id and price_type = p_review.price_type
      and state = 'current';
  delete from catalog.prices
    where source_id = p_review.source_id and product_external_id = p_review.product_external_id
      and variant_external_id = p_review.variant_external_id and price_type = p_review.price_type
      and state = 'past' and not catalog.keeps_price_history(p_review.source_id);
end $$;

-- publish_prices(source, run, others) → the products with a price that became current: pending prices become
-- current, and the ones they replace past, or are deleted if the source keeps no history. Those of the runs
-- `p_others` stay pending, see list_unpublished_by_others.
create function catalog.publish_prices(p_source integer, p_run bigint, p_others bigint[]) returns text[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  products text[];
begin
  update catalog.prices c set state = 'past'
    from catalog.prices n
    where n.source_id = p_source and n.state = 'pending' and n.run_id <> all (p_others)
      and c.source_id = p_source and c.state = 'current'
      and (c.product_external_id, c.variant_external_id, c.price_type)
        = (n.product_external_id, n.variant_external_id, n.price_type);
  delete from catalog.prices c using catalog.prices n
    where n.source_id = p_source and n.state = 'pending' and n.run_id <> all (p_others)
      and c.source_id = p_source and c.state = 'past' and not catalog.keeps_price_history(p_source)
      and (c.product_external_id, c.variant_external_id, c.price_type)
        = (n.product_external_id, n.variant_external_id, n.price_type);
  with published as (
    update catalog.prices set state = 'current', settled_run = p_run
      where source_id = p_source and state = 'pending' and run_id <> all (p_others)
      returning product_external_id)
  select array_agg(distinct product_external_id) into products from published;
  return products;
end $$;

-- approve_claim(review, claim): the price that the claim states becomes current. It counts as observed when
-- the disagreement was.
--   p_claim     from 1, in the order of the review's detail
--   errors      usage/invalid
create function catalog.approve_claim(p_review catalog.reviews, p_claim integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  claims jsonb := p_review.detail -> 'claims';
  claim jsonb := claims -> (p_claim - 1);
begin
  if p_claim < 1 or claim is null then
    perform catalog.fail('usage/invalid', format('Review %s has no claim %s: it has %s', p_review.id, p_claim,
      catalog.format_quantity(jsonb_array_length(claims), 'claim')));
  end if;
  perform catalog.publish_price(p_review, (claim ->> 'amountMinor')::bigint);
  perform catalog.end_current_price(p_review);
  insert into catalog.prices (source_id, product_external_id, variant_external_id, price_type, run_id,
      amount_minor, currency, state, observed_at, part_no, line_no)
    select p_review.source_id, p_review.product_external_id, p_review.variant_external_id,
      p_review.price_type, p_review.run_id, (claim ->> 'amountMinor')::bigint, claim ->> 'currency',
      'current', p_review.opened_at, p.part_no, p.line_no
    from catalog.runs r
    left join catalog.products p on p.source_id = r.source_id and p.run_id = r.artifact_run
      and p.external_id = p_review.product_external_id
    where r.source_id = p_review.source_id and r.id = p_review.run_id
    on conflict (source_id, product_external_id, variant_external_id, price_type, run_id) do update
      set amount_minor = excluded.amount_minor, currency = excluded.currency, compare_at_minor = null,
          state = 'current', observed_at = excluded.observed_at, part_no = excluded.part_no,
          line_no = excluded.line_no;
end $$;

-- decide_review(review, approve, by, claim, reason): a person's decision on an open review.
--   price          see decide_price
--   disagreement   approved: see approve_claim, with the first claim unless `p_claim` names another one.
--                  Rejected: the last good price stays. The same claims open no other review
--   proposal       approved: the value becomes the enrichment of the field, see accept_proposal. Rejected:
--                  the same value is not proposed again
--   record         see decide_record
--   run            can only be rejected here: an approval needs the version of the diff, see decide_run
--   ordering       locks a quarantined record before its review, as settle_run does, and a review before its
--                  price
--   errors         review/unknown, which names the person who has decided it · usage/invalid · see
--                  lock_held_run and assert_person
create function catalog.decide_review(
  p_review bigint, p_approve boolean, p_by text, p_claim integer, p_reason text default null
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  review catalog.reviews;
begin
  perform catalog.assert_person(p_by);
  select * into review from catalog.reviews r where r.id = p_review and r.state = 'open';
  if review.kind = 'run' then
    if p_approve then
      perform catalog.fail('usage/invalid', format('Review %s is that of run %s. See what it would change,'
        ' then approve it: shelfsync runs approve %s', p_review, review.run_id, review.run_id));
    end if;
    perform catalog.decide_run(review.run_id, false, p_by, null, p_reason);
    return;
  end if;
  if review.kind = 'record' then
    perform from catalog.quarantine
      where source_id = review.source_id and id = (review.detail ->> 'record')::bigint for update;
  end if;
  review := catalog.lock_open_review(p_review);
  if p_approve and review.kind in ('disagreement', 'proposal') and review.expires_at <= now() then
    perform catalog.fail('review/unknown', format(
      'The content of review %s has expired, as the licence of its source requires: it can only be rejected',
      p_review));
  end if;
  if p_claim is not null and (review.kind <> 'disagreement' or not p_approve) then
    perform catalog.fail('usage/invalid', format(
      'Review %s: a claim is named only to approve one of a disagreement', p_review));
  end if;
  if review.kind = 'price' then
    perform catalog.decide_price(review, p_approve);
  elsif review.kind = 'disagreement' and p_approve then
    perform catalog.approve_claim(review, coalesce(p_claim, 1));
  elsif review.kind = 'proposal' and p_approve then
    perform catalog.accept_proposal(review, p_by);
  elsif review.kind = 'record' then
    perform catalog.decide_record(review, p_approve);
  end if;
  if review.kind <> 'record' then
    perform catalog.index_products(review.source_id, array[review.product_external_id]);
  end if;
  update catalog.reviews
    set state = case when p_approve then 'approved' else 'rejected' end, decided_at = now(),
        decided_by = p_by, detail = review.detail || case when review.kind = 'disagreement' and p_approve
          then jsonb_build_object('claim', coalesce(p_claim, 1)) else '{}' end
    where source_id = review.source_id and id = p_review;
  perform catalog.record_decision(review, case when p_approve then 'approve' else 'reject' end, p_by,
    p_reason, jsonb_strip_nulls(jsonb_build_object('claim', p_claim)));
end $$;
