// Several hosts with separate addresses on this machine: Linux network namespaces around a switch
// that is a namespace too. This machine's own network is not changed, and nothing needs cleaning
// up, because a namespace ends with its last process. For users other than root, everything runs in
// a user namespace, where the system allows that.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, Server, type Socket } from 'node:net'
import { pipeline } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Lifetime } from './database.ts'
import { cleanEnv, startProcess, type Process, type StartOptions } from './processes.ts'

export interface Host {
  /** The address at which the other hosts reach a server on this host. */
  readonly address: string
  /** Starts a program that sees only this host's network. It ends with the test. */
  spawn(command: string, args: readonly string[], options?: StartOptions): Promise<Process>
  /**
   * From now on every packet to and from this host is lost. No packet is refused, reset or
   * reported.
   */
  cutOff(): void
  /**
   * Packets pass again. TCP repeats the lost ones after at most as long again as the silence took;
   * new connections work at once.
   */
  reconnect(): void
}

export interface Network<Name extends string> {
  readonly hosts: Readonly<Record<Name, Host>>
  /**
   * Lets the hosts reach a server on this machine's loopback. `url` states its port; the result is
   * its URL for the hosts, at the switch.
   */
  forward(url: string): Promise<string>
}

/** The switch has number 1, the hosts follow. */
const SWITCH = 1
/**
 * The state of a port of the switch. The bridge itself corrects any other state than these.
 * https://man7.org/linux/man-pages/man8/bridge.8.html
 */
const PORT_STATES = { disabled: 0, forwarding: 3 }
const NEW_NETWORK = process.getuid?.() === 0 ? ['--net'] : ['--user', '--map-root-user', '--net']
const ENTER = 'nsenter'
const LISTENER = fileURLToPath(new URL('network-listener.ts', import.meta.url))

/**
 * The reason why this machine cannot have such a network, or null: the reason to skip the tests
 * that need one.
 */
export function explainMissingNetwork(): string | null {
  try {
    run(
      'unshare',
      [...NEW_NETWORK, 'ip', '-batch', '-'],
      ['link add switch type bridge', 'link add one type veth peer name two'],
    )
    return null
  } catch (error) {
    return `no separate hosts on this machine: they need Linux with unshare and ip, as root or with user namespaces (${String(error)})`
  }
}

/**
 * Creates hosts with these names, 200 at most. They reach each other and the forwarded servers,
 * nothing else.
 */
export async function createNetwork<const Name extends string>(
  t: Lifetime,
  names: readonly Name[],
): Promise<Network<Name>> {
  const center = await holdNamespace(t, 'unshare', NEW_NETWORK)
  const numbers = [SWITCH, ...names.map((_, index) => index + 2)]
  ip(center, [
    'link set lo up',
    `link add switch address ${linkAddress(SWITCH)} type bridge`,
    'link set switch up',
    ...addresses(SWITCH, 'switch', numbers),
  ])
  const hosts: Partial<Record<Name, Host>> = {}
  for (const [index, name] of names.entries())
    hosts[name] = await addHost(t, center, index + 2, numbers)
  const forwarded = new Map<string, Promise<void>>()
  return {
    hosts: hosts as Record<Name, Host>,
    async forward(url) {
      const there = new URL(url)
      const opened = forwarded.get(there.port) ?? openPort(t, center, Number(there.port))
      forwarded.set(there.port, opened)
      await opened
      there.hostname = address(SWITCH)
      return there.href
    },
  }
}

async function addHost(
  t: Lifetime,
  center: Process,
  number: number,
  numbers: readonly number[],
): Promise<Host> {
  const space = await holdNamespace(t, ENTER, [...inside(center), 'unshare', '--net'])
  const port = `port${number}`
  ip(center, [
    `link add ${port} type veth peer name eth0 address ${linkAddress(number)} netns ${space.pid}`,
    `link set ${port} master switch`,
    `link set ${port} up`,
  ])
  ip(space, ['link set lo up', 'link set eth0 up', ...addresses(number, 'eth0', numbers)])
  const setPort = (state: number): void =>
    run(ENTER, [...inside(center), 'bridge', 'link', 'set', 'dev', port, 'state', String(state)])
  return {
    address: address(number),
    spawn: (command, args, options) =>
      startProcess(t, ENTER, [...inside(space), command, ...args], options),
    cutOff: () => setPort(PORT_STATES.disabled),
    reconnect: () => setPort(PORT_STATES.forwarding),
  }
}

/** Listens on the switch and forwards connections to this machine's loopback. */
async function openPort(t: Lifetime, center: Process, port: number): Promise<void> {
  const args = [...inside(center), process.execPath, LISTENER, address(SWITCH), String(port)]
  const opener = spawn(ENTER, args, {
    env: cleanEnv(),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const failed = once(opener, 'exit').then(() =>
    Promise.reject(new Error(`Port ${port} cannot be opened at the switch`)),
  )
  const [, server] = await Promise.race([once(opener, 'message'), failed])
  opener.disconnect()
  await failed.catch(() => undefined)
  if (!(server instanceof Server)) throw new Error('The listening socket did not come across')

  const clients = new Set<Socket>()
  server.on('connection', (client) => {
    clients.add(client.once('close', () => clients.delete(client)))
    pipeline(client, connect(port, '127.0.0.1'), client, () => client.destroy())
  })
  t.after(async () => {
    const closed = once(server, 'close')
    server.close()
    for (const client of clients) client.destroy()
    await closed
  })
}

/** Starts a process that only keeps a separate namespace alive. */
async function holdNamespace(
  t: Lifetime,
  command: string,
  args: readonly string[],
): Promise<Process> {
  const holder = await startProcess(t, command, [
    ...args,
    'sh',
    '-c',
    'echo inside; exec sleep infinity',
  ])
  await holder.waitForLine(/inside/)
  return holder
}

/** The arguments of nsenter for the namespaces of a process. */
function inside({ pid }: Process): string[] {
  return [
    '--target',
    String(pid),
    ...NEW_NETWORK.filter((flag) => flag !== '--map-root-user'),
    '--preserve-credentials',
  ]
}

function ip(place: Process, commands: readonly string[]): void {
  run(ENTER, [...inside(place), 'ip', '-batch', '-'], commands)
}

function run(command: string, args: readonly string[], input: readonly string[] = []): void {
  const { status, stderr, error } = spawnSync(command, args, {
    input: input.join('\n'),
    encoding: 'utf8',
    env: cleanEnv(),
  })
  if (status !== 0)
    throw new Error(`The network cannot be set up: ${stderr?.trim() || error?.message}`)
}

/**
 * All hosts know each other's link address from the start. If they had to resolve it, silence would
 * soon be reported as "no route to host".
 */
function addresses(own: number, device: string, numbers: readonly number[]): string[] {
  const others = numbers.filter((number) => number !== own)
  const known = others.map(
    (number) =>
      `neighbour replace ${address(number)} lladdr ${linkAddress(number)} dev ${device} nud permanent`,
  )
  return [`address add ${address(own)}/24 dev ${device}`, ...known]
}

function address(number: number): string {
  return `10.0.0.${number}`
}

/** The prefix 02 marks a locally administered address. */
function linkAddress(number: number): string {
  return `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`
}
