// The metrics of work that waits: the queue, reviews and the language model. A part of the table of metrics.

const REVIEW_KINDS = ['price', 'run', 'disagreement', 'proposal', 'record'] as const

export const WORK_METRICS = {
  shelfsync_queue_jobs: {
    type: 'gauge',
    scope: 'system',
    labels: {
      queue: 'name',
      state: ['waiting', 'prioritized', 'delayed', 'waiting-children', 'active', 'failed'],
    },
    help: 'Jobs in the queue. Failed jobs are dead letters, which are not retried automatically.',
  },
  shelfsync_queue_untaken_jobs: {
    type: 'gauge',
    scope: 'system',
    labels: { queue: 'name' },
    help: 'Jobs that wait although workers are connected and execute nothing. A worker that works takes them within five seconds.',
  },
  shelfsync_review_backlog: {
    type: 'gauge',
    scope: 'system',
    labels: { kind: REVIEW_KINDS },
    help: 'Reviews of all sources that wait for a decision, by kind.',
  },
  shelfsync_review_backlog_age_seconds: {
    type: 'gauge',
    scope: 'system',
    labels: { kind: REVIEW_KINDS },
    help: 'Time since the oldest review of this kind was opened; 0 without one.',
  },
  shelfsync_model_queue: {
    type: 'gauge',
    scope: 'system',
    labels: { state: ['waiting', 'retried'] },
    help: 'Products that wait for the language model: waiting for the first attempt, or retried after a failed one.',
  },
  shelfsync_model_queue_age_seconds: {
    type: 'gauge',
    scope: 'system',
    labels: {},
    help: 'Time for which the first product has been due for the language model; 0 if none is due.',
  },
} as const
