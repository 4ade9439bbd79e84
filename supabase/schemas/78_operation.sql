-- The read model of runs and of the whole service for a person: when the work of a run was done and when it
-- waited, the workers, what is stored, and the hosts that fail.

-- load_run_times(run) → when the run's work began and ended; no row for an unknown run.
--   closed_at       end of the fetch; null while it lasts, and of a replay, which fetches nothing
--   parts           of the artifact that the run applies; `applied` of them completely
--   review_opened   when the run was held; decided: when that ended, by whom, see catalog.reviews
--   judged          {facts, policy} of the judgement that held the run: see list_hold_reasons
--   latest          the newest run of its source, for the link to it
create function catalog.load_run_times(p_run bigint) returns table (
  connector text, by_schedule boolean, queued boolean, started_at timestamptz, last_started_at timestamptz,
  settle_began_at timestamptz, finished_at timestamptz, closed_at timestamptz, parts integer, applied integer,
  review bigint, review_state text, review_opened_at timestamptz, review_decided_at timestamptz,
  review_decided_by text, judged jsonb, latest bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.connector, r.by_schedule, r.queued, r.started_at, r.last_started_at, r.settle_began_at,
    r.finished_at, case when r.artifact_run = r.id then a.closed_at end, (
      select count(*)::integer from catalog.parts p
      where p.source_id = r.source_id and p.run_id = r.artifact_run), (
      select count(*)::integer from catalog.checkpoints c
      where c.source_id = r.source_id and c.run_id = r.id and c.done),
    v.id, v.state, v.opened_at, v.decided_at, v.decided_by, v.detail - '{approvedBy,approvedAt}'::text[], (
      select l.id from catalog.runs l
      where l.source_id = r.source_id and l.keys is null order by l.id desc limit 1)
  from catalog.runs r
  join catalog.sources s on s.id = r.source_id
  left join catalog.artifacts a on a.source_id = r.source_id and a.run_id = r.id
  left join catalog.reviews v on v.source_id = r.source_id and v.run_id = r.id and v.kind = 'run'
  where r.id = p_run
$$;

-- list_run_parts(run, after, limit, size) → the parts of the artifact that the run applies, in groups of
-- `p_size` parts that follow each other, after the part `p_after`.
--   requested_at  of the first part; for a replay, the times of the fetch are null
--   waited        seconds in which the fetch waited to send a request
--   began_at      when a worker began to apply the first of them; saved_at: the last commit
--   applied       lines that are applied; done: all parts are
--   outcomes      their lines by outcome
create function catalog.list_run_parts(
  p_run bigint, p_after integer, p_limit integer, p_size integer default 1
) returns table (
  first_no integer, last_no integer, lines bigint, raw_bytes bigint, stored_bytes bigint,
  requested_at timestamptz, arrived_at timestamptz, archived_at timestamptz, waited double precision,
  began_at timestamptz, saved_at timestamptz, applied bigint, done boolean, outcomes jsonb, sha256 text
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with shown as materialized (
    select p.*, c.began_at, c.saved_at, c.lines_done, coalesce(c.done, false) as is_done, c.counts,
      r.artifact_run = r.id as is_own, (p.no - 1) / p_size as place
    from catalog.runs r
    join catalog.parts p on p.source_id = r.source_id and p.run_id = r.artifact_run
    left join catalog.checkpoints c on c.source_id = r.source_id and c.run_id = r.id and c.part_no = p.no
    where r.id = p_run and p.no > coalesce(p_after, 0) and p.no <= coalesce(p_after, 0) + p_limit * p_size
  )
  select min(no), max(no), sum(line_count)::bigint, sum(raw_bytes)::bigint, sum(stored_bytes)::bigint,
    min(requested_at) filter (where is_own), min(arrived_at) filter (where is_own),
    max(created_at) filter (where is_own),
    coalesce(extract(epoch from sum(waited) filter (where is_own)), 0)::double precision,
    min(began_at), max(saved_at), coalesce(sum(lines_done), 0)::bigint, bool_and(is_done),
    coalesce((
      select jsonb_object_agg(key, total) from (
        select o.key, sum(o.value::bigint) as total
        from shown s cross join lateral jsonb_each_text(s.counts) o
        where s.place = g.place group by o.key) k), '{}'),
    case when count(*) = 1 then min(encode(sha256, 'hex')) end
  from shown g group by place order by place
$$;

-- list_run_events(run, limit) → the newest events of the run, the oldest first: see catalog.run_events.
create function catalog.list_run_events(p_run bigint, p_limit integer) returns table (
  at timestamptz, event text, task text, worker text, detail jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select e.at, e.event, e.task, e.worker, e.detail
  from (
    select e.* from catalog.runs r
    join catalog.run_events e on e.source_id = r.source_id and e.run_id = r.id
    where r.id = p_run order by e.id desc limit p_limit
  ) e order by e.id
$$;

-- list_run_leases(run) → the workers that have a task of the run now.
create function catalog.list_run_leases(p_run bigint) returns table (
  task text, worker text, expires_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select l.task, l.owner, l.expires_at
  from catalog.runs r join catalog.leases l on l.source_id = r.source_id and l.run_id = r.id
  where r.id = p_run and l.expires_at > clock_timestamp() order by l.task collate "C"
$$;

-- list_run_quarantine(run, after, limit) → quarantined records of the run, in any state, after the record
-- `p_after`, each with at most the first 4 KiB of its bytes; without them once its licence has ended.
create function catalog.list_run_quarantine(p_run bigint, p_after bigint, p_limit integer) returns table (
  id bigint, state text, rule text, message text, product text, artifact_run bigint, part integer,
  line integer, byte_offset bigint, byte_length bigint, raw bytea, expired boolean, closed_run bigint,
  created_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select q.id, q.state, q.rule, shown.message, q.external_id, q.artifact_run, q.part_no, q.line_no,
    q.byte_offset, q.byte_length, substring(shown.raw for 4096), coalesce(q.expires_at <= now(), false),
    case when q.state <> 'open' then q.closed_run end, q.created_at
  from catalog.runs r
  join catalog.quarantine q on q.source_id = r.source_id and q.run_id = r.id
  cross join lateral catalog.show_record(q) shown
  where r.id = p_run and q.id > coalesce(p_after, 0) order by q.id limit p_limit
$$;

-- list_workers() → the processes that have a task now, by name, and their tasks.
create function catalog.list_workers() returns table (
  worker text, tasks bigint, runs bigint[], expires_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select owner, count(*), array_agg(distinct run_id), max(l.expires_at)
  from catalog.leases l where l.expires_at > clock_timestamp() group by owner order by owner
$$;

-- list_quotas() → sources whose supplier allows a number of requests a day, with those of this day in UTC.
--   reserved    the share that is kept for imports
create function catalog.list_quotas() returns table (
  source text, scope text, per_day integer, per_second double precision, reserved double precision,
  used integer, resets_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.name, q.scope, q.per_day, q.per_second, q.reserve,
    case when l.day = catalog.to_day(clock_timestamp()) then l.used else 0 end,
    (catalog.to_day(clock_timestamp()) + 1)::timestamp at time zone 'UTC'
  from catalog.source_quotas q
  join catalog.sources s on s.id = q.source_id
  left join catalog.limits l on l.scope = q.scope and l.key = q.key
  order by s.name
$$;

-- list_storage() → what is stored, by source and, with a null source, for all of them. Reads every part and
-- every stored image, which takes seconds on a large catalogue.
--   artifacts   bytes of the parts that are not removed; images: copies that products of the source show. A
--               copy that two sources show counts for both, and once in the row of all
--   database    bytes of the database, only in the row of all
create function catalog.list_storage() returns table (
  source text, artifacts bigint, parts bigint, images bigint, image_files bigint, database bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with parts as (
    select p.source_id, sum(p.stored_bytes)::bigint as bytes, count(*) as files
    from catalog.parts p
    join catalog.artifacts a on a.source_id = p.source_id and a.run_id = p.run_id
    where a.state <> 'purged' group by p.source_id
  ), images as (
    select o.source_id, sum(b.bytes)::bigint as bytes, count(*) as files
    from (
      select distinct i.source_id, a.sha256
      from catalog.images i join catalog.image_addresses a on a.id = i.address_id
      where a.sha256 is not null
    ) o join catalog.blobs b on b.sha256 = o.sha256 group by o.source_id
  )
  select s.name, coalesce(p.bytes, 0), coalesce(p.files, 0), coalesce(i.bytes, 0), coalesce(i.files, 0),
    null::bigint
  from catalog.sources s
  left join parts p on p.source_id = s.id
  left join images i on i.source_id = s.id
  union all
  select null, (select coalesce(sum(bytes), 0)::bigint from parts),
    (select coalesce(sum(files), 0)::bigint from parts),
    (select coalesce(sum(bytes), 0)::bigint from catalog.blobs), (select count(*) from catalog.blobs),
    pg_database_size(current_database())
  order by 1 nulls first
$$;

-- list_failing_hosts(limit) → hosts that refuse or do not respond: of sources, by their runs, and of images.
--   subject     the source, or the host of images
--   failures    in a row
--   next_at     when it is requested again; null: at any time
create function catalog.list_failing_hosts(p_limit integer) returns table (
  kind text, subject text, failures integer, reason text, since timestamptz, next_at timestamptz
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select * from (
    select 'source', s.name, s.failures, s.failure_class, s.failing_since,
      catalog.find_earliest_run(s.failures, s.failed_at)
    from catalog.sources s where s.failures > 0
    union all
    select 'images', c.host, max(c.refusals), max(c.flag_reason), min(c.flagged_at),
      max(coalesce(c.paused_until, c.due_at))
    from catalog.image_channels c where c.flagged_at is not null or c.refusals > 0 group by c.host
  ) f order by 3 desc, 1, 2 limit p_limit
$$;

-- list_run_moments(source) → the ends and interruptions of its runs, and the starts of those without an end,
-- in any order: see list_source_events. The end of a run that a person decided or cancelled is an action.
create function catalog.list_run_moments(p_source integer) returns table (
  at timestamptz, key text, topic text, event text, run bigint, actor text, reason text, detail jsonb
)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select r.started_at, 's' || r.id, 'run', 'started', r.id,
    case when r.by_schedule then 'the schedule' end, null, jsonb_build_object('kind', r.kind)
  from catalog.runs r where r.source_id = p_source and r.finished_at is null
  union all
  select r.finished_at, 'e' || r.id,
    case when v.id is not null or r.state in ('failed', 'interrupted') then 'problem' else 'run' end,
    case when v.id is null then r.state else 'held' end, r.id, null, catalog.show_reason(r),
    jsonb_strip_nulls(jsonb_build_object('kind', r.kind, 'code', r.error_code, 'ledger', r.ledger,
      'scheduled', nullif(r.by_schedule, false),
      'seconds', extract(epoch from r.finished_at - r.started_at)))
  from catalog.runs r
  left join catalog.reviews v on v.source_id = r.source_id and v.run_id = r.id and v.kind = 'run'
  where r.source_id = p_source and r.finished_at is not null and r.state <> 'cancelled'
  union all
  select v.decided_at, 'v' || v.id, 'decision', 'superseded', v.run_id, null, null, '{}'
  from catalog.reviews v
  where v.source_id = p_source and v.kind = 'run' and v.state = 'superseded' and v.decided_at is not null
  union all
  select e.at, 'r' || e.id, 'problem', 'resumed', e.run_id, null, e.detail ->> 'reason', e.detail - 'reason'
  from catalog.runs r
  join catalog.run_events e on e.source_id = r.source_id and e.run_id = r.id and e.event = 'resumed'
  where r.source_id = p_source and r.last_started_at > r.started_at
$$;

-- list_source_events(source, topic, actor, hosts, before_at, before_key, limit) → everything that happened to
-- the source, the newest first, before the event (before_at, before_key). Null filters nothing.
--   topic   run · problem: an end that needs attention, or an alert · decision · setting: also a pause
--   event   the state of a run, started or resumed, the name of an action, or `alert` with its kind in the
--           detail
--   p_actor a part of the person's name, in any case
--   p_hosts subjects of alerts on the breakers of its supplier
-- In plpgsql, because the file of the alerts is loaded after this one.
create function catalog.list_source_events(
  p_source text, p_topic text, p_actor text, p_hosts text[], p_before_at timestamptz, p_before_key text,
  p_limit integer
) returns table (
  at timestamptz, key text, topic text, event text, run bigint, actor text, reason text, detail jsonb,
  subject text
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query with events as (
    select m.*, null::text as subject
    from catalog.sources s cross join lateral catalog.list_run_moments(s.id) m where s.name = p_source
    union all
    select a.at, 'a' || a.id,
      case when a.action ~ '^(run|review|price|quarantine)[.](approve|reject|accept|edit)' then 'decision'
           when a.action ~ '^(run|source[.](sync|import)|job|image|quarantine)' then 'run' else 'setting' end,
      a.action, a.run_id, a.actor, a.reason, a.detail, a.subject
    from catalog.sources s join catalog.actions a on a.source_id = s.id where s.name = p_source
    union all
    select moment.at, 'l' || l.id || moment.word, 'problem', moment.word, l.run, null, l.reason,
      jsonb_build_object('kind', l.kind), null
    from catalog.alerts l
    cross join lateral (values ('alert', l.opened_at), ('recovered', l.closed_at)) moment (word, at)
    where l.opened_at is not null and moment.at is not null
      and (l.source = p_source or l.kind = 'breaker' and l.subject = any (p_hosts))
  )
  select e.* from events e
  where (p_topic is null or e.topic = p_topic)
    and (p_actor is null or position(lower(p_actor) in lower(e.actor)) > 0)
    and (p_before_at is null or (e.at, e.key collate "C") < (p_before_at, p_before_key collate "C"))
  order by e.at desc, e.key collate "C" desc limit p_limit;
end $$;

-- change_source(source, by, schedule, policy, options, detail): changes what a person may change on a page,
-- and records it in the same transaction. Null leaves that member as it is; see save_source.
--   p_policy    thresholds only: limits that a licence sets delete what is stored, so a command changes them
--   errors      source/unknown · usage/invalid (another limit) · run/active, for options
create function catalog.change_source(
  p_source text, p_by text, p_schedule jsonb, p_policy jsonb, p_options jsonb, p_detail jsonb
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  source integer := (select id from catalog.sources where name = p_source);
  other text := (
    select min(k) from jsonb_object_keys(coalesce(p_policy, '{}')) k
    where k not in ('removalShare', 'quarantineShare', 'priceFactor', 'priceShiftShare', 'priceShiftFactor',
      'allowEmpty', 'enrich', 'acceptProposals'));
begin
  if source is null then
    perform catalog.fail('source/unknown', format('Source %s does not exist', p_source));
  elsif other is not null then
    perform catalog.fail('usage/invalid', format('%s is changed by a command only', other));
  end if;
  perform catalog.save_source(source, p_schedule, p_policy, null, null, p_options);
  perform catalog.record_action(p_by, 'source.set', p_source, null, null, p_detail);
end $$;
