// The health check of the container: succeeds when the process responds. It asks the server for
// metrics, because that is the only one that every role has.

import { get } from 'node:http'

const { METRICS_HOST, METRICS_PORT } = process.env
const request = get({
  host: METRICS_HOST || '127.0.0.1',
  port: METRICS_PORT || 9091,
  path: '/healthz',
  timeout: 4000,
})
request.on('response', ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
request.on('timeout', () => fail('no response after 4 s'))
request.on('error', ({ message }) => fail(message))

function fail(reason) {
  console.error(reason)
  process.exit(1)
}
