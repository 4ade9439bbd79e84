-- Generated from supabase/schemas/54_actions.sql until the first release: do not edit.

-- The action log: everything that a person changed, by whom and why.

-- Actions of people by a command, the API or the dashboard. The log outlives the sources that it names.
create table catalog.actions (
  id                  bigint generated always as identity primary key,
  at                  timestamptz not null default clock_timestamp(),
  actor               text not null,                 -- name at the sign-in; user@host of a command
  action              text not null check (action ~ '^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$'),  -- source.pause
  source_id           integer,                       -- no reference: the source may be removed
  source              text,                          -- its name at that time
  run_id              bigint,
  subject             text,                          -- such as the number of a review or the name of a host
  reason              text,                          -- as the person stated it
  -- Settings and counts; never a secret, and never content of a supplier, whose licence may end.
  detail              jsonb not null default '{}'
);
create index actions_source on catalog.actions (source_id, id) where source_id is not null;
create index actions_run on catalog.actions (run_id, id) where run_id is not null;
create index actions_actor on catalog.actions (actor, id);
create index actions_at on catalog.actions (at);
-- Every scrape of the metrics counts the actions of each kind.
create index actions_action on catalog.actions (action, id);

-- assert_person(name): a person does not decide under a name such as `rule 7` or `threshold`, which stands
-- for decisions without a person.
--   errors      usage/invalid
create function catalog.assert_person(p_name text) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if p_name ~* '^\s*(rule\s*\d+|threshold)\s*$' then
    perform catalog.fail('usage/invalid', format(
      '"%s" stands for decisions without a person: decide under the name of a person', p_name));
  end if;
end $$;

-- record_action(actor, action, source, run, subject, detail, reason) → the number of the action.
--   source      name of a source; null: that of the run
--   atomic      part of the caller's transaction
--   errors      usage/invalid  no actor
create function catalog.record_action(
  p_actor text, p_action text, p_source text default null, p_run bigint default null,
  p_subject text default null, p_detail jsonb default '{}', p_reason text default null
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  recorded bigint;
begin
  if coalesce(trim(p_actor), '') = '' then
    perform catalog.fail('usage/invalid', 'An action needs the name of the person');
  end if;
  insert into catalog.actions (actor, action, source_id, source, run_id, subject, detail, reason)
    select left(p_actor, 200), p_action, s.id, coalesce(s.name, p_source), p_run, left(p_subject, 500),
      coalesce(p_detail, '{}'), nullif(left(trim(p_reason), 2000), '')
    from (values (1)) always
    left join catalog.sources s on case when p_source is null
      then s.id = (select r.source_id from catalog.runs r where r.id = p_run)
      else s.name = p_source end
    returning id into recorded;
  return recorded;
end $$;

-- list_actions(…) → actions before the number `p_after`, the newest first. Each filter may be null.
--   p_source    name of a source, also an earlier one or that of a removed source
--   p_actor     the whole name
--   p_action    an action such as `source.pause`, or the word before its dot
--   p_subject   the whole subject, such as `review 3`
create function catalog.list_actions(
  p_source text, p_run bigint, p_actor text, p_action text, p_since timestamptz, p_after bigint,
  p_limit integer, p_subject text default null
) returns table (
  id bigint, at timestamptz, actor text, action text, source text, run bigint, subject text, reason text,
  detail jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select a.id, a.at, a.actor, a.action, coalesce(s.name, a.source), a.run_id, a.subject, a.reason, a.detail
  from catalog.actions a left join catalog.sources s on s.id = a.source_id
  where a.id < coalesce(p_after, 9223372036854775807)
    and (p_source is null or a.source = p_source
      or a.source_id = (select o.id from catalog.sources o where o.name = p_source))
    and (p_run is null or a.run_id = p_run) and (p_actor is null or a.actor = p_actor)
    and (p_action is null or a.action = p_action or starts_with(a.action, p_action || '.'))
    and (p_since is null or a.at >= p_since) and (p_subject is null or a.subject = p_subject)
  order by a.id desc limit p_limit
$$;

-- record_decision(review, verb, by, reason, detail): the decision in the log of actions. The review keeps the
-- evidence, as long as its licence allows.
create function catalog.record_decision(
  p_review catalog.reviews, p_verb text, p_by text, p_reason text, p_detail jsonb
) returns void
language sql set search_path = pg_catalog, pg_temp as $$
  select catalog.record_action(p_by, 'review.' || p_verb,
    (select s.name from catalog.sources s where s.id = p_review.source_id), p_review.run_id,
    'review ' || p_review.id, jsonb_build_object('kind', p_review.kind)
      || case when p_review.product_external_id is null then '{}'
        else jsonb_build_object('product', p_review.product_external_id) end || p_detail, p_reason)
$$;
