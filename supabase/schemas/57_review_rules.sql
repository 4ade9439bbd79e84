-- Rules of a source that decide about reviews when they are opened: always, or never. A rule is named as the
-- one who decided.

create table catalog.review_rules (
  source_id           integer not null references catalog.sources (id),
  id                  bigint generated always as identity,
  kind                text not null check (kind in ('price', 'disagreement', 'proposal', 'record')),
  decision            text not null check (decision in ('approve', 'reject')),
  -- Conditions. Of a held price: its change in percent is at most so high, it rises or falls, or it is zero.
  change_max          numeric check (change_max > 0),
  direction           text check (direction in ('rise', 'fall')),
  zero                boolean not null default false,
  field               text,                          -- of a proposal: attributes.process
  fault               text,                          -- of a record: the rule that it failed
  created_at          timestamptz not null default clock_timestamp(),
  created_by          text not null,
  removed_at          timestamptz,                   -- null: in force
  removed_by          text,
  primary key (source_id, id),
  check (case kind
    when 'price' then (zero or change_max is not null or direction is not null and decision = 'reject')
      and not (zero and (change_max is not null or direction is not null)) and field is null and fault is null
    when 'proposal' then field is not null and fault is null
    when 'record' then decision = 'reject' and fault is not null and field is null
    else decision = 'reject' and field is null and fault is null end),
  check (kind = 'price' or change_max is null and direction is null and not zero)
);

-- matches_rule(rule, review) → whether the rule decides about the review.
create function catalog.matches_rule(p_rule catalog.review_rules, p_review catalog.reviews) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select p_rule.source_id = p_review.source_id and p_rule.kind = p_review.kind and coalesce(case p_rule.kind
    when 'price' then case
      when p_rule.zero then (p_review.detail ->> 'to')::numeric = 0
      else (p_review.detail ->> 'to')::numeric > 0
        and abs(catalog.measure_price_change(p_review)) <= coalesce(p_rule.change_max, 'infinity')
        and (p_rule.direction is null or sign(catalog.measure_price_change(p_review))
          = case p_rule.direction when 'rise' then 1 else -1 end) end
    when 'proposal' then p_review.detail ->> 'field' = p_rule.field
    when 'record' then p_review.detail ->> 'rule' = p_rule.fault
    else true end, false)
$$;

-- release_price(review): a held price waits for the end of its run like any other, and the change of the run
-- states it without the reason. For rules, which decide while the run is being applied.
create function catalog.release_price(p_review catalog.reviews) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  update catalog.prices set state = 'pending'
    where source_id = p_review.source_id and product_external_id = p_review.product_external_id
      and variant_external_id = p_review.variant_external_id and price_type = p_review.price_type
      and run_id = p_review.run_id and state = 'held';
  update catalog.changes c set detail = jsonb_set(c.detail, array[m.name], (c.detail -> m.name) - 2)
    from (
      select format('price:%s:%s', p_review.variant_external_id, p_review.price_type) as name
    ) m
    where c.source_id = p_review.source_id and c.run_id = p_review.run_id
      and c.product_external_id = p_review.product_external_id and c.position is null
      and c.detail ? m.name
$$;

-- decide_by_rule(review, rule): the decision of the rule, recorded with its number. An approved price is
-- published with its run, and only if that is.
create function catalog.decide_by_rule(p_review catalog.reviews, p_rule catalog.review_rules) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  decider constant text := 'rule ' || p_rule.id;
  approves constant boolean := p_rule.decision = 'approve';
begin
  if p_review.kind = 'price' and approves then
    perform catalog.release_price(p_review);
  elsif p_review.kind = 'price' then
    perform catalog.decide_price(p_review, false);
  elsif p_review.kind = 'proposal' and approves then
    perform catalog.accept_proposal(p_review, decider);
    perform catalog.index_products(p_review.source_id, array[p_review.product_external_id]);
  elsif p_review.kind = 'record' then
    perform catalog.decide_record(p_review, false);
  end if;
  update catalog.reviews
    set state = case when approves then 'approved' else 'rejected' end, decided_at = now(),
        decided_by = decider
    where source_id = p_review.source_id and id = p_review.id;
  perform catalog.record_decision(p_review, p_rule.decision, decider, null,
    jsonb_build_object('rule', p_rule.id));
end $$;

-- apply_review_rules(): decides about the reviews that a statement has opened. Of several rules that match,
-- one that rejects comes first, then the oldest.
create function catalog.apply_review_rules() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  review catalog.reviews;
  rule catalog.review_rules;
begin
  if not exists (
      select from opened o join catalog.review_rules r on r.source_id = o.source_id
      where r.removed_at is null) then
    return null;
  end if;
  for review in
    select v.* from opened o join catalog.reviews v on v.source_id = o.source_id and v.id = o.id
    where v.state = 'open' order by v.id
  loop
    select r.* into rule from catalog.review_rules r
      where r.source_id = review.source_id and r.removed_at is null and catalog.matches_rule(r, review)
      order by r.decision = 'reject' desc, r.id limit 1;
    if found then
      perform catalog.decide_by_rule(review, rule);
    end if;
  end loop;
  return null;
end $$;
create trigger apply_review_rules after insert on catalog.reviews
  referencing new table as opened for each statement execute function catalog.apply_review_rules();

-- add_review_rule(source, rule, by, reason) → the number of the rule.
--   p_rule      {kind, decision, changeMax, direction, zero, field, fault}
--   errors      source/unknown · usage/invalid · see assert_person
create function catalog.add_review_rule(p_source text, p_rule jsonb, p_by text, p_reason text default null)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  added bigint;
begin
  perform catalog.assert_person(p_by);
  insert into catalog.review_rules (source_id, kind, decision, change_max, direction, zero, field, fault,
      created_by)
    select s.id, p_rule ->> 'kind', p_rule ->> 'decision', (p_rule ->> 'changeMax')::numeric,
      p_rule ->> 'direction', coalesce((p_rule ->> 'zero')::boolean, false), p_rule ->> 'field',
      p_rule ->> 'fault', p_by
    from catalog.sources s where s.name = p_source
    returning id into added;
  if added is null then
    perform catalog.fail('source/unknown', format('Source "%s" does not exist', p_source));
  end if;
  perform catalog.record_action(p_by, 'review-rule.add', p_source, null, 'rule ' || added, p_rule, p_reason);
  return added;
exception when check_violation or not_null_violation then
  perform catalog.fail('usage/invalid', 'The rule has no condition, or one that its kind does not have');
end $$;

-- remove_review_rule(rule, by, reason): ends the rule. Its decisions stay.
--   errors      usage/invalid  it is not in force · see assert_person
create function catalog.remove_review_rule(p_rule bigint, p_by text, p_reason text default null) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  removed catalog.review_rules;
begin
  perform catalog.assert_person(p_by);
  update catalog.review_rules r set removed_at = now(), removed_by = p_by
    where r.id = p_rule and r.removed_at is null returning * into removed;
  if removed.id is null then
    perform catalog.fail('usage/invalid', coalesce((
      select format('Rule %s has been removed by %s', r.id, r.removed_by)
      from catalog.review_rules r where r.id = p_rule), format('Rule %s does not exist', p_rule)));
  end if;
  perform catalog.record_action(p_by, 'review-rule.remove', (
      select s.name from catalog.sources s where s.id = removed.source_id), null, 'rule ' || p_rule, '{}',
    p_reason);
end $$;

-- list_review_rules(source) → the rules in force, by source and number: of one source, or of all with null.
--   decided     reviews that it has decided, the last one at `decided_at`
--   waiting     open reviews that match it: they were opened before it, and wait for a person
create function catalog.list_review_rules(p_source text) returns table (
  id bigint, source text, rule jsonb, created_at timestamptz, created_by text, decided bigint,
  decided_at timestamptz, waiting bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select r.id, s.name, jsonb_strip_nulls(jsonb_build_object('kind', r.kind, 'decision', r.decision,
      'changeMax', r.change_max, 'direction', r.direction, 'zero', r.zero, 'field', r.field,
      'fault', r.fault)),
    r.created_at, r.created_by, d.decided, d.decided_at, (
      select count(*) from catalog.reviews v
      where v.source_id = r.source_id and v.state = 'open' and catalog.matches_rule(r, v))
  from catalog.review_rules r
  join catalog.sources s on s.id = r.source_id
  cross join lateral (
    select count(*) as decided, max(v.decided_at) as decided_at from catalog.reviews v
    where v.source_id = r.source_id and v.decided_by = 'rule ' || r.id and v.decided_by like 'rule %'
  ) d
  where r.removed_at is null and (p_source is null or s.name = p_source)
  order by s.name, r.id
$$;
