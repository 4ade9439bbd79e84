// The part of the error table for suppliers and sources. `ERRORS` checks its form.

export const SOURCE_ERRORS = {
  'source/rate-limited': {
    action: 'retry',
    status: 503,
    hint:
      'The supplier limits requests. A run waits and continues by itself; otherwise try ' +
      'again later.',
  },
  'source/circuit-open': {
    action: 'retry',
    status: 503,
    hint:
      'The supplier has failed several times. Wait until the stated time: one request then tests it. ' +
      'A run of the whole source continues by itself, the schedule repeats a refresh, and an import has ' +
      'to be repeated. `shelfsync limits` shows the state. Check the address if it stays so.',
  },
  'source/unavailable': {
    action: 'retry',
    status: 503,
    hint:
      'Check the address. If it is right, the supplier has a problem: try again later. An ' +
      'interrupted run resumes.',
  },
  'source/cut-short': {
    action: 'retry',
    status: 503,
    hint:
      'The response of the supplier ended too early. Sync again: an interrupted run resumes ' +
      'where it ended.',
  },
  'source/too-slow': {
    action: 'retry',
    status: 503,
    hint:
      'The supplier sends almost nothing. The bytes that arrived are archived. Sync again: ' +
      'the run resumes after them.',
  },
  'source/unauthorized': {
    action: 'stop',
    status: 502,
    hint:
      'Check the key: its id, its secret, and that the supplier has not revoked it. ' +
      '`shelfsync doctor` tests it.',
  },
  'source/not-eligible': {
    action: 'stop',
    status: 502,
    hint:
      'Wait until the account may use the API again. Amazon requires 10 qualifying sales in 30 days, ' +
      'and access returns about two days after referred sales have shipped.',
  },
  'source/rejected': {
    action: 'stop',
    status: 502,
    hint:
      'The supplier refused the request. Read its message. If its API has changed, install ' +
      'a version of Shelfsync that supports it.',
  },
  'source/blocked': {
    action: 'stop',
    status: 502,
    hint:
      'The shop, or a bot protection before it, refuses this client. Ask its owner for access; do not ' +
      'evade it.',
  },
  'source/password': {
    action: 'stop',
    status: 502,
    hint:
      'The shop is closed by a password page. Ask its owner to open it, or pause the source ' +
      'with `shelfsync sources pause NAME`.',
  },
  'source/closed': {
    action: 'stop',
    status: 502,
    hint:
      'The shop is closed, by its platform (frozen or locked) or by its owner (coming soon). ' +
      'Pause the source with `shelfsync sources pause NAME` until it is open.',
  },
  'source/gone': {
    action: 'stop',
    status: 502,
    hint:
      'Nothing is at this address. Correct it, or pause the source with `shelfsync sources ' +
      'pause NAME`.',
  },
  'source/no-product': {
    action: 'stop',
    status: 404,
    hint: 'The supplier does not offer this product, or not through its API. Check the id on its site; a refresh tries a product that the catalogue has again.',
  },
  'source/moved': {
    action: 'stop',
    status: 502,
    hint:
      'Run the command in the message if this is the shop that you want. Otherwise pause the ' +
      'source with `shelfsync sources pause NAME`.',
  },
  'source/malformed': {
    action: 'stop',
    status: 502,
    hint:
      'The response is not in the format of this connector. Read the reason, and `shelfsync ' +
      'artifacts cat RUN` if there was a run.',
  },
  'source/not-recognised': {
    action: 'stop',
    status: 422,
    hint:
      'Check the address. If it is that of a shop, name its platform: `shelfsync add URL ' +
      '--platform NAME`.',
  },
  'source/too-large': {
    action: 'stop',
    status: 502,
    hint: 'The response exceeds a limit. Raise the limit only if you trust the supplier.',
  },
  'source/address-refused': {
    action: 'stop',
    status: 422,
    hint:
      'Requests go to public addresses only, and a key goes to its supplier only. List your ' +
      'own hosts in ALLOW_PRIVATE_HOSTS.',
  },
  'source/unknown': {
    action: 'stop',
    status: 404,
    hint: 'List the sources with `shelfsync sources`, or add one with `shelfsync add`.',
  },
  'source/exists': {
    action: 'stop',
    status: 409,
    hint: 'Choose another name, or change the existing source with `shelfsync sources set`.',
  },
  'source/no-connector': {
    action: 'stop',
    status: 409,
    hint:
      'Sync the source from the program that defines its connector (docs/library.md), or ' +
      'install a version of Shelfsync that has it.',
  },
  'source/paused': {
    action: 'stop',
    status: 409,
    hint: 'Resume it with `shelfsync sources resume NAME`.',
  },
} as const
