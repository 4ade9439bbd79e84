// docs/deploy/one-machine.md, followed from its first block to its last on a new Debian: systemd
// boots in a container and starts the service in its sandbox. It downloads packages of Debian and
// npm, so this test is separate from the others: `npm run test:deploy`.

import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startMedipim } from '../../simulators/medipim/simulator.ts'
import { createDebian, runProgram, shareNetwork } from '../support/debian.ts'
import { pack } from '../support/package.ts'
import { readPage } from '../support/pages.ts'
import {
  explainMissingContainers,
  cleanEnv,
  explainMissingProgram,
  freePort,
  startProcess,
} from '../support/processes.ts'
import { waitUntil } from '../support/wait-until.ts'

const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'curl', 'openssl', 'util-linux']
const TARBALLS = '/root'
/** Arguments of nsenter: everything but the user, and a new environment. */
const ENTER =
  '--mount --uts --ipc --net --pid --root --wd -- env -i HOME=/root PATH=/usr/local/bin:/usr/sbin:/usr/bin'.split(
    ' ',
  )
const skip =
  explainMissingContainers() ||
  explainMissingProgram('systemd-nspawn', 'systemd-container') ||
  explainMissingProgram('mmdebstrap', 'mmdebstrap')

test('every block of the page works on a new machine', { skip }, async (t) => {
  const { paste } = await bootMachine(t)
  const supplier = await startMedipim({
    products: 60,
    rateLimit: null,
    keys: [{ id: 'your-key-id', secret: 'your-key-secret' }],
  })
  t.after(supplier.close)
  const ports = await Promise.all(
    ['FETCHER', 'MAINTAINER', 'ORCHESTRATOR', 'METRICS', 'WEB'].map(() => freePort()),
  )
  const [fetcher, maintainer, orchestrator, metrics, web] = ports
  // The container shares this machine's network, where other processes use the default ports.
  const inExamples = (code: string): string =>
    code
      .replace(
        'MEDIPIM_API_KEY_ID=',
        `MEDIPIM_API_URL=${supplier.url}\nALLOW_PRIVATE_HOSTS=127.0.0.1\nFETCHER_PORT=${fetcher}\n` +
          `MAINTAINER_PORT=${maintainer}\nORCHESTRATOR_PORT=${orchestrator}\nMETRICS_PORT=${metrics}\nWEB_PORT=${web}\n$&`,
      )
      .replace('127.0.0.1:3003', `127.0.0.1:${orchestrator}`)
      .replace(
        'curl ',
        'curl --silent --show-error --fail-with-body --retry 20 --retry-all-errors ',
      )
      .replace('journalctl --follow', 'journalctl --no-pager')
  for (const { language, code } of readPage('docs/deploy/one-machine.md').fences) {
    if (language !== 'sh') continue
    // The package is packed on this machine, and separate roles need a Postgres.
    if (/npm pack|fetcher\.env/.test(code)) continue
    const output = await paste(inExamples(code))
    if (/curl/.test(code)) {
      assert.match(output, /medipim-au/)
      await waitUntil(async () =>
        /succeeded/.test(await paste('runuser -u shelfsync -- shelfsync runs')),
      )
      assert.match(await paste('systemctl show shelfsync --property=NRestarts'), /=0$/m)
    }
  }
  await assert.rejects(paste('systemctl status shelfsync'), /could not be found/)
  await assert.rejects(paste('ls /opt/shelfsync'), /No such file/)
})

/** Boots a new Debian with Node, npm and the package. `paste` runs code as root in one shell each. */
async function bootMachine(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'shelfsync-machine-'))
  const root = join(folder, 'root')
  await createDebian(root, 'bookworm', PACKAGES)
  await shareNetwork(root)
  const tarball = await pack(join(folder, 'repository'), cleanEnv({ HOME: folder }))
  await cp(tarball, join(root, TARBALLS, basename(tarball)))
  const machine = await startProcess(t, 'systemd-nspawn', [
    '--register=no',
    '--keep-unit',
    '--quiet',
    '--console=pipe',
    `--directory=${root}`,
    '--boot',
  ])
  // After the machine has ended.
  t.after(() => rm(folder, { recursive: true, force: true }))
  /** Process 1 of the container; while it is being created, its parent has another child. */
  const findLeader = async (): Promise<string> =>
    (await readFile(`/proc/${machine.pid}/task/${machine.pid}/children`, 'utf8')).trim()
  let place = TARBALLS
  const paste = async (code: string): Promise<string> => {
    if (code.includes('.tgz')) place = TARBALLS
    const output = await runProgram('nsenter', [
      `--target=${await findLeader()}`,
      ...ENTER,
      'bash',
      '-eo',
      'pipefail',
      '-c',
      // The last block removes the folder.
      `cd ${place} 2>/dev/null || cd /\n${code}`,
    ])
    if (code.includes('cd /var/lib/shelfsync')) place = '/var/lib/shelfsync'
    return output
  }
  await waitUntil(() =>
    paste('systemctl is-active multi-user.target').then(
      () => true,
      () => false,
    ),
  )
  return { paste }
}
