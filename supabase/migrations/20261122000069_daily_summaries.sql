-- Generated from supabase/schemas/69_daily_summaries.sql until the first release: do not edit.

-- The days of the sources, for readers.

-- Products that changed on a day (UTC), by source and kind of change, as published: a change that waited for
-- a person counts on the day of the decision. `loaded` is the size of a first load, whose products have no
-- single changes. A view rather than stored counts: it is exact after each decision, and a year of a source
-- whose night changes a thousand products is read in a fraction of a second.
create view api.daily_summary with (security_invoker = true) as
  select s.name as source, (c.changed_at at time zone 'UTC')::date as day,
    count(distinct c.run_id) as runs,
    coalesce(sum((c.detail ->> 'products')::bigint) filter (where c.kind = 'loaded'), 0)::bigint as loaded,
    count(*) filter (where c.kind = 'created') as created,
    count(*) filter (where c.kind = 'updated') as updated,
    count(*) filter (where c.kind = 'repriced') as repriced,
    count(*) filter (where c.kind = 'unavailable') as unavailable,
    count(*) filter (where c.kind = 'removed') as removed,
    count(*) filter (where c.kind = 'returned') as returned
  from catalog.changes c join catalog.sources s on s.id = c.source_id
  where c.position is not null
  group by s.name, (c.changed_at at time zone 'UTC')::date;
