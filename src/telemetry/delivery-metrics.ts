// The metrics of webhooks that the deliverer counts, a part of the table of metrics.

export const DELIVERY_METRICS = {
  shelfsync_deliveries_total: {
    type: 'counter',
    scope: 'process',
    labels: { result: ['delivered', 'retried', 'dead'] },
    help: 'Requests to webhooks: delivered, retried (failed; the message is sent again), dead (the last attempt failed).',
  },
} as const
