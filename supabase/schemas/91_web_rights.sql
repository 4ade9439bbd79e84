-- The rights of the role for the dashboard. It reads by functions, starts and cancels runs as any other role
-- that takes requests, and neither archives nor applies.

grant execute on function
  catalog.open_session, catalog.find_session, catalog.end_session
  to shelfsync_web;
-- Requests for runs.
grant execute on function
  catalog.find_source, catalog.list_sources, catalog.find_active_run, catalog.find_artifact,
  catalog.find_newest_artifact, catalog.find_newest_full_artifact, catalog.list_product_seqs,
  catalog.list_parts, catalog.start_run, catalog.extend_run, catalog.load_run, catalog.list_queued_runs,
  catalog.cancel_run
  to shelfsync_web;
-- The pages.
grant execute on function
  catalog.summarize_runs, catalog.summarize_sources, catalog.survey_sources, catalog.load_status,
  catalog.list_applied_versions, catalog.list_runs, catalog.describe_run, catalog.list_artifacts,
  catalog.list_changes, catalog.list_reviews, catalog.list_quarantine, catalog.measure_sources,
  catalog.source_healths, catalog.list_limits, catalog.list_source_runs, catalog.count_products,
  catalog.set_source_state,
  catalog.list_run_ends, catalog.list_breakers, catalog.load_breaker, catalog.measure_images
  to shelfsync_web;
-- Runs, their decisions, and the work of the service.
grant execute on function
  catalog.load_run_times, catalog.list_run_parts, catalog.list_run_events, catalog.list_run_leases,
  catalog.list_run_quarantine, catalog.summarize_run_diff, catalog.list_run_diff, catalog.decide_run,
  catalog.reopen_run, catalog.list_limits, catalog.reset_limit, catalog.list_workers, catalog.list_quotas,
  catalog.list_storage, catalog.list_failing_hosts, catalog.list_source_events, catalog.change_source,
  catalog.change_hot
  to shelfsync_web;
-- Decisions on alerts.
grant execute on function catalog.decide_alert to shelfsync_web;
-- The read API, its exports and the tools for agents.
grant execute on function
  catalog.find_product_key, catalog.describe_products, catalog.describe_named_products,
  catalog.page_products, catalog.page_variants, catalog.page_prices, catalog.list_price_types,
  catalog.search_products
  to shelfsync_web;
-- The change feed.
grant execute on function catalog.read_feed, catalog.find_feed_place, catalog.read_latest_changes
  to shelfsync_web;
-- The page of a product, with the supplier's record.
grant execute on function catalog.explain_product, catalog.load_record
  to shelfsync_web;
-- Webhooks and rules.
grant execute on function
  catalog.list_webhooks, catalog.list_deliveries, catalog.add_webhook, catalog.pause_webhook,
  catalog.resume_webhook, catalog.remove_webhook, catalog.queue_test, catalog.replay_deliveries,
  catalog.list_rules, catalog.add_rule, catalog.switch_rule, catalog.remove_rule, catalog.try_rule
  to shelfsync_web;
-- The log of actions.
grant execute on function catalog.record_action, catalog.list_actions to shelfsync_web;
-- The queue of reviews, its rules, and the decisions.
grant execute on function
  catalog.list_queue, catalog.count_queue, catalog.list_decidable, catalog.load_evidence,
  catalog.decide_review, catalog.edit_review, catalog.list_review_rules, catalog.add_review_rule,
  catalog.remove_review_rule
  to shelfsync_web;
