// The metrics of requests to suppliers, and of the time until their pages are rows. `METRICS`
// checks their form.

export const REQUEST_METRICS = {
  shelfsync_source_requests_total: {
    type: 'counter',
    scope: 'process',
    labels: {
      connector: 'name',
      result: ['ok', 'rate_limited', 'refused', 'unavailable', 'failed', 'aborted'],
    },
    help: 'Requests to suppliers by result: ok (2xx, 3xx), rate_limited (429), refused (other 4xx), unavailable (5xx), failed (no complete response), aborted by Shelfsync. Each redirect counts.',
  },
  shelfsync_source_request_duration_seconds: {
    type: 'histogram',
    scope: 'process',
    labels: { connector: 'name' },
    help: 'Time from the request to the end of the response, including time in which the response was not read.',
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 900, 1800, 3600],
  },
  shelfsync_limit_wait_seconds_total: {
    type: 'counter',
    scope: 'process',
    labels: { connector: 'name' },
    help: 'Time spent waiting for the rate limit of a supplier. Waits for an unavailable supplier are not included.',
  },
  shelfsync_page_to_rows_seconds: {
    type: 'histogram',
    scope: 'process',
    labels: { connector: 'name' },
    help: 'Time from the arrival of the first page of a part to the commit of its rows: an upper bound for each page of the part. Replays do not count.',
    buckets: [0.1, 0.25, 0.5, 0.75, 1, 2, 5, 15, 60, 300, 3600],
  },
  shelfsync_open_circuit_breakers: {
    type: 'gauge',
    scope: 'system',
    labels: { scope: 'name', state: ['open', 'half-open'] },
    help: 'Circuit breakers that are not closed. The scope is `host`, or the connector whose requests share one; `shelfsync limits` names the hosts.',
  },
  shelfsync_circuit_breaker_open_seconds: {
    type: 'gauge',
    scope: 'system',
    labels: { scope: 'name' },
    help: 'Time since the oldest circuit breaker of this scope opened; 0 while all are closed.',
  },
} as const
