// Errors of the change feed, its webhooks and its rules.

export const FEED_ERRORS = {
  'feed/cursor-expired': {
    action: 'stop',
    status: 410,
    hint:
      'Read the whole catalogue once, for example with `shelfsync export NAME`, then follow the feed from ' +
      'now on: `shelfsync changes --follow`. CHANGES_DAYS is the time for which changes are kept.',
  },
  'webhook/unknown': {
    action: 'stop',
    status: 404,
    hint: 'List the webhooks with `shelfsync webhooks list`.',
  },
  'webhook/exists': {
    action: 'stop',
    status: 409,
    hint: 'Choose another name, or remove that webhook with `shelfsync webhooks remove NAME`.',
  },
  'delivery/unknown': {
    action: 'stop',
    status: 404,
    hint: 'List the deliveries with `shelfsync webhooks deliveries NAME`; one that still waits needs no replay.',
  },
  'rule/unknown': {
    action: 'stop',
    status: 404,
    hint: 'List the rules with `shelfsync rules list`.',
  },
  'rule/exists': {
    action: 'stop',
    status: 409,
    hint: 'Choose another name, or remove that rule with `shelfsync rules remove NAME`.',
  },
} as const
