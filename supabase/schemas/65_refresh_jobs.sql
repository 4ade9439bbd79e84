-- The refreshes of products for readers.

-- The refreshes of the last seven days, one row for each product and run.
create view api.refresh_jobs with (security_invoker = true) as
  select md5(j.source_id::text || ' ' || j.run_id::text || ' ' || j.product_external_id)::uuid as id,
    md5(j.source_id::text || ' ' || j.product_external_id)::uuid as product_id, s.name as source,
    j.product_external_id, j.run_id as run, j.scheduled_at, j.started_at, j.completed_at, j.status,
    j.retry_count, j.error_code, j.error_message, j.circuit_breaker_state, j.created_at
  from catalog.refresh_jobs j join catalog.sources s on s.id = j.source_id;
