// For each alert rule, time series with which it fires and others with which it does not. Values are in the
// notation of promtool, one for each minute: `0+1x10` are eleven values from 0 to 10, `1x10` eleven times 1.

import type { AlertRuleName } from '../../src/telemetry/alert-rules.ts'

export interface AlertCase {
  readonly fires: {
    readonly series: Readonly<Record<string, string>>
    readonly minute: number
    /** Labels of the alert, without its severity. */
    readonly labels: Readonly<Record<string, string>>
    /** The text of `$value` in the summary. */
    readonly value?: string
  }
  readonly quiet: { readonly series: Readonly<Record<string, string>>; readonly minute: number }
}

const SHOP = { source: 'shop' }
/** The states of two orchestrators, which report the same. */
const two = (name: string, labels: string, values: string): Record<string, string> => ({
  [`${name}{${labels},instance="a"}`]: values,
  [`${name}{${labels},instance="b"}`]: values,
})

export const ALERT_CASES: Readonly<Record<AlertRuleName, AlertCase>> = {
  ShelfsyncSourceLate: {
    fires: {
      series: two('shelfsync_source_late', 'source="shop"', '1x10'),
      minute: 6,
      labels: SHOP,
    },
    // Late for three minutes only.
    quiet: { series: { 'shelfsync_source_late{source="shop"}': '1x2 0x10' }, minute: 6 },
  },
  ShelfsyncRunHeld: {
    fires: { series: two('shelfsync_held_runs', 'source="shop"', '1x3'), minute: 1, labels: SHOP },
    quiet: { series: { 'shelfsync_held_runs{source="shop"}': '0x3' }, minute: 1 },
  },
  ShelfsyncHostFailing: {
    fires: {
      series: two('shelfsync_failing_runs', 'source="shop",class="gone"', '3x3'),
      minute: 1,
      labels: { ...SHOP, class: 'gone' },
    },
    quiet: { series: { 'shelfsync_failing_runs{source="shop",class="gone"}': '2x3' }, minute: 1 },
  },
  ShelfsyncErrorBudgetSpent: {
    fires: {
      series: {
        ...two('shelfsync_error_budget_left_ratio', 'source="shop"', '-1x20'),
        ...two('shelfsync_week_runs', 'source="shop",result="failed"', '2x20'),
      },
      minute: 16,
      labels: SHOP,
    },
    // One failed run of few.
    quiet: {
      series: {
        'shelfsync_error_budget_left_ratio{source="shop"}': '-13x20',
        'shelfsync_week_runs{source="shop",result="failed"}': '1x20',
      },
      minute: 16,
    },
  },
  ShelfsyncErrorBudgetBurning: {
    fires: {
      series: {
        ...two('shelfsync_runs_total', 'source="shop",state="failed"', '0+1x400'),
        ...two('shelfsync_runs_total', 'source="shop",state="succeeded"', '0+3x400'),
      },
      minute: 390,
      labels: {},
      value: '25%',
    },
    // The failures ended two hours and a half ago.
    quiet: {
      series: {
        'shelfsync_runs_total{source="shop",state="failed"}': '0+1x240 240x160',
        'shelfsync_runs_total{source="shop",state="succeeded"}': '0+3x400',
      },
      minute: 390,
    },
  },
  ShelfsyncAvailabilityBurning: {
    fires: {
      series: {
        'shelfsync_source_late{source="shop"}': '1x90',
        'shelfsync_source_late{source="other"}': '0x90',
      },
      minute: 70,
      labels: {},
      value: '50%',
    },
    // Late for twenty minutes, and no longer.
    quiet: {
      series: {
        'shelfsync_source_late{source="shop"}': '1x20 0x70',
        'shelfsync_source_late{source="other"}': '0x90',
      },
      minute: 70,
    },
  },
  ShelfsyncLedgerUnbalanced: {
    fires: {
      series: two('shelfsync_ledger_difference_records', 'source="shop"', '-2x3'),
      minute: 1,
      labels: SHOP,
    },
    quiet: { series: { 'shelfsync_ledger_difference_records{source="shop"}': '0x3' }, minute: 1 },
  },
  ShelfsyncLatestCopyBroken: {
    fires: {
      series: two('shelfsync_latest_copy_broken', 'source="shop"', '1x20'),
      minute: 16,
      labels: SHOP,
    },
    quiet: { series: { 'shelfsync_latest_copy_broken{source="shop"}': '1x8 0x20' }, minute: 16 },
  },
  ShelfsyncRemovalsOff: {
    fires: {
      series: two('shelfsync_removals_off', 'source="shop",reason="incomplete"', '1x2900'),
      minute: 2890,
      labels: { ...SHOP, reason: 'incomplete' },
    },
    quiet: {
      series: { 'shelfsync_removals_off{source="shop",reason="incomplete"}': '1x1400 0x1500' },
      minute: 2890,
    },
  },
  ShelfsyncQueueStuck: {
    fires: {
      series: two('shelfsync_queue_untaken_jobs', 'queue="fetch"', '2x5'),
      minute: 3,
      labels: { queue: 'fetch' },
    },
    quiet: { series: { 'shelfsync_queue_untaken_jobs{queue="fetch"}': '2 0x5' }, minute: 3 },
  },
  ShelfsyncDeadLetters: {
    fires: {
      series: two('shelfsync_queue_jobs', 'queue="apply",state="failed"', '4x10'),
      minute: 6,
      labels: { queue: 'apply' },
      value: '4',
    },
    quiet: { series: { 'shelfsync_queue_jobs{queue="apply",state="waiting"}': '4x10' }, minute: 6 },
  },
  ShelfsyncReviewsWaiting: {
    fires: {
      series: two('shelfsync_review_backlog_age_seconds', 'kind="price"', '46800x3'),
      minute: 1,
      labels: { kind: 'price' },
      value: '13h 0m 0s',
    },
    quiet: {
      series: { 'shelfsync_review_backlog_age_seconds{kind="price"}': '3600x3' },
      minute: 1,
    },
  },
  ShelfsyncModelQueueStuck: {
    fires: {
      series: { shelfsync_model_queue_age_seconds: '90000x3' },
      minute: 1,
      labels: {},
      value: '1d 1h 0m 0s',
    },
    quiet: { series: { shelfsync_model_queue_age_seconds: '600x3' }, minute: 1 },
  },
  ShelfsyncImageQueueStuck: {
    fires: {
      series: { shelfsync_image_queue_age_seconds: '25200x3' },
      minute: 1,
      labels: {},
      value: '7h 0m 0s',
    },
    quiet: { series: { shelfsync_image_queue_age_seconds: '600x3' }, minute: 1 },
  },
  ShelfsyncImageHostsRefuse: {
    fires: {
      series: { shelfsync_image_flagged_hosts: '3x70' },
      minute: 61,
      labels: {},
      value: '3',
    },
    quiet: { series: { shelfsync_image_flagged_hosts: '3x30 0x40' }, minute: 61 },
  },
  ShelfsyncWebhookBehind: {
    fires: {
      series: { shelfsync_webhook_behind_seconds: '7200x10' },
      minute: 6,
      labels: {},
      value: '2h 0m 0s',
    },
    quiet: { series: { shelfsync_webhook_behind_seconds: '600x10' }, minute: 6 },
  },
  ShelfsyncBreakerOpen: {
    fires: {
      series: two('shelfsync_circuit_breaker_open_seconds', 'scope="host"', '7200x3'),
      minute: 1,
      labels: { scope: 'host' },
      value: '2h 0m 0s',
    },
    quiet: {
      series: { 'shelfsync_circuit_breaker_open_seconds{scope="host"}': '600x3' },
      minute: 1,
    },
  },
  ShelfsyncBackPressure: {
    fires: {
      series: {
        'shelfsync_backpressure_seconds_total{reason="database_slow",instance="a"}': '0+20x30',
        'shelfsync_backpressure_seconds_total{reason="database_slow",instance="b"}': '0+20x30',
      },
      minute: 25,
      labels: { reason: 'database_slow' },
    },
    quiet: {
      series: { 'shelfsync_backpressure_seconds_total{reason="database_slow"}': '0+20x30' },
      minute: 25,
    },
  },
  ShelfsyncLeasesLost: {
    fires: {
      series: { shelfsync_leases_lost_total: '0+1x60' },
      minute: 60,
      labels: {},
      value: '60',
    },
    quiet: { series: { shelfsync_leases_lost_total: '0x30 2x30' }, minute: 60 },
  },
  ShelfsyncWrongKeys: {
    fires: {
      series: {
        'shelfsync_auth_failures_total{reason="wrong",instance="a"}': '0+3x30',
        'shelfsync_auth_failures_total{reason="limited",instance="b"}': '0+3x30',
      },
      minute: 20,
      labels: {},
    },
    quiet: { series: { 'shelfsync_auth_failures_total{reason="wrong"}': '0+1x30' }, minute: 20 },
  },
  ShelfsyncAlertsUnsent: {
    fires: {
      series: two('shelfsync_alert_failed_sends', 'channel="slack"', '4x3'),
      minute: 1,
      labels: { channel: 'slack' },
      value: '4',
    },
    quiet: { series: { 'shelfsync_alert_failed_sends{channel="slack"}': '2x3' }, minute: 1 },
  },
  ShelfsyncNotScraped: {
    fires: { series: { 'up{job="shelfsync"}': '0x10' }, minute: 6, labels: {} },
    quiet: { series: { 'shelfsync_build_info{version="1",node="v24"}': '1x10' }, minute: 6 },
  },
  ShelfsyncNoOrchestrator: {
    fires: {
      series: { 'shelfsync_build_info{version="1",node="v24"}': '1x10' },
      minute: 6,
      labels: {},
    },
    quiet: {
      series: {
        'shelfsync_build_info{version="1",node="v24"}': '1x10',
        shelfsync_database_wal_bytes_total: '5x10',
      },
      minute: 6,
    },
  },
  ShelfsyncMetricsUnreadable: {
    fires: {
      series: { 'shelfsync_collect_failures_total{collector="database"}': '0+1x20' },
      minute: 18,
      labels: { collector: 'database' },
    },
    quiet: {
      series: { 'shelfsync_collect_failures_total{collector="database"}': '3x20' },
      minute: 18,
    },
  },
  ShelfsyncStorageGrowing: {
    fires: {
      series: { shelfsync_database_bytes: '2147483648x1440 4294967296x60' },
      minute: 1480,
      labels: {},
      value: '4Gi',
    },
    quiet: { series: { shelfsync_database_bytes: '2147483648x1440 2247483648x60' }, minute: 1480 },
  },
}
