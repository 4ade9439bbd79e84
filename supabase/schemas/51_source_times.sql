-- Source times, ends of a licence and their records, renewed in rows of unchanged products by `apply_batch`.

-- update_source_times(source, artifact_run, part, seen_later): for unchanged products, stores what later
-- records are compared with.
--   same artifact    the place of a better record that is equal to the one in the row
--   newer artifact   a source time that is stated or omitted for the first time; a new end of the licence,
--                    with its record. Where content expires, also the time of the request
create function catalog.update_source_times(p_source integer, p_artifact_run bigint, p_part integer,
  p_seen_later bytea) returns void
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off set jit = off as $$
declare
  requested timestamptz := catalog.load_requested_at(p_source, p_artifact_run, p_part);
  expires boolean := catalog.expires_after(p_source) is not null;
begin
  update catalog.products p
    set source_updated_at = s.source_updated_at, record_hash = s.record_hash,
        expires_at = s.expires_at,
        refreshed_at = case when expires or p.expires_at is distinct from s.expires_at then requested
          else p.refreshed_at end,
        raw = case when expires or p.expires_at is distinct from s.expires_at then s.raw else p.raw end,
        run_id = case when expires or p.expires_at is distinct from s.expires_at then p_artifact_run
          else p.run_id end,
        part_no = case when p.run_id = p_artifact_run or expires or p.expires_at is distinct from s.expires_at
          then p_part else p.part_no end,
        line_no = case when p.run_id = p_artifact_run or expires or p.expires_at is distinct from s.expires_at
          then s.line_no else p.line_no end
    from pg_temp.verdicts j join pg_temp.staged_products s on s.line_no = j.line_no
    where j.verdict = 'unchanged' and p.source_id = p_source and p.external_id = j.external_id
      and case when p.run_id = p_artifact_run
        then (p.source_updated_at, p.part_no, p.line_no)
          is distinct from (s.source_updated_at, p_part, s.line_no)
        else not j.is_older and (expires or p.expires_at is distinct from s.expires_at
            or (p.source_updated_at is null) <> (s.source_updated_at is null))
          and not (p_seen_later is not null and p.seq < 8 * length(p_seen_later)
            and get_bit(p_seen_later, p.seq) = 1)
        end;
end $$;
