// A population of many sources, written by SQL: each has three runs, some of which failed, are held or run
// now, and a few have reviews and quarantined records.

import type { Db } from '../../src/db/pool.ts'

export async function addManySources(db: Db, count: number): Promise<void> {
  await db.query(`
    insert into catalog.sources (name, connector, settings, schedule, schedule_set_at)
      select 'shop-' || n, 'shopify', jsonb_build_object('url', 'https://shop-' || n || '.example'),
        jsonb_build_object('cron', to_char((now() + interval '5 min') at time zone 'UTC', 'FMMI FMHH24') || ' * * *', 'zone', 'UTC', 'fullOn', 'none'),
        now() - interval '10 days'
      from generate_series(1, ${count}) n;
    insert into catalog.runs (source_id, kind, state, correlation_id, artifact_run, normaliser_version,
        first_load, started_at, finished_at, ledger)
      select s.id, case when age < 3 and s.id % 5 = 0 then 'incremental' else 'full' end,
        case when age = 1 and s.id % 100 = 0 then 'failed' when age = 1 and s.id % 500 = 1 then 'held'
          else 'succeeded' end,
        'test', 0, 1, age = 3, now() - age * interval '1 day', now() - age * interval '1 day' + interval '1 min', '{}'
      from generate_series(3, 1, -1) age cross join catalog.sources s;
    update catalog.runs set artifact_run = id;
    insert into catalog.artifacts (source_id, run_id, state, complete)
      select source_id, id, 'closed', true from catalog.runs;
    update catalog.sources set failures = 1 + (id / 100) % 4, failure_class = 'gone', failing_since = now(), failed_at = now()
      where id % 100 = 0;
    insert into catalog.reviews (source_id, kind, run_id, reason)
      select source_id, 'run', id, 'too many missing' from catalog.runs where state = 'held';
    insert into catalog.circuit_breakers (scope, key, version, state, failed_at, failures, opened_at, retry_at,
        cooldown_ms, changed_at)
      select 'host', 'shop-' || n || '.example', 1,
        case when n % 1000 = 0 then 'open' else 'closed' end, '{}', 5,
        case when n % 1000 = 0 then now() end, case when n % 1000 = 0 then now() + interval '5 min' end, 0, now()
      from generate_series(1, ${count}) n;
    insert into catalog.limits (scope, key, next_at)
      select 'host', 'shop-' || n || '.example', now() - interval '1 day' from generate_series(1, ${count}) n;
    analyze;
  `)
}
