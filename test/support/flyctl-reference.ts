// The commands of flyctl that Shelfsync names or executes, with their flags:
// https://github.com/superfly/docs/tree/main/flyctl/cmd. A flag that takes a value ends with "=".

const APP = ['-a|--app=', '-c|--config=']
const VM = [
  '--vm-cpu-kind=',
  '--vm-cpus=',
  '--vm-gpu-kind=',
  '--vm-gpus=',
  '--vm-memory=',
  '--vm-size=',
]
const GLOBAL = ['-t|--access-token=', '--debug', '--verbose', '-h|--help']

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  'apps create': ['--generate-name', '-j|--json', '--name=', '--network=', '-o|--org='],
  'apps destroy': ['-y|--yes'],
  'apps list': ['-j|--json', '-o|--org=', '-q|--quiet'],
  'apps restart': ['--force-stop', '--skip-health-checks'],
  'auth login': ['--email=', '-i|--interactive', '--otp=', '--password='],
  'auth whoami': ['-j|--json'],
  'checks list': [...APP, '--check-name=', '-j|--json'],
  'config show': [...APP, '--local', '--toml', '--yaml'],
  'config validate': APP,
  deploy: [
    ...APP,
    ...VM,
    '--build-only',
    '--dockerfile=',
    '-e|--env=',
    '--ha',
    '-i|--image=',
    '--image-label=',
    '--local-only',
    '--no-cache',
    '--no-public-ips',
    '--push',
    '--remote-only',
    '--strategy=',
    '--wait-timeout=',
    '-y|--yes',
  ],
  'ips allocate-v4': [...APP, '-r|--region=', '--shared', '-y|--yes'],
  'ips allocate-v6': [...APP, '--network=', '-o|--org=', '--private', '-r|--region='],
  'ips list': [...APP, '-j|--json'],
  'ips release': APP,
  logs: [...APP, '-j|--json', '-m|--machine=', '-n|--no-tail', '-r|--region=', '-s|--select'],
  'machine list': [...APP, '-j|--json', '-q|--quiet'],
  'machine restart': [...APP, '--force', '-s|--signal=', '--skip-health-checks', '--time='],
  'machine run': [
    ...APP,
    ...VM,
    '--autostart',
    '--autostop=',
    '-e|--env=',
    '--entrypoint=',
    '-n|--name=',
    '-r|--region=',
    '--restart=',
    '--rm',
    '--schedule=',
  ],
  'machine start': APP,
  'machine status': [...APP, '-d|--display-config'],
  'machine update': [
    ...APP,
    ...VM,
    '-C|--command=',
    '-e|--env=',
    '-i|--image=',
    '--restart=',
    '--schedule=',
    '--skip-health-checks',
    '--skip-start',
    '-y|--yes',
  ],
  'orgs list': ['-j|--json'],
  proxy: [...APP, '-b|--bind-addr=', '-o|--org=', '-q|--quiet', '-s|--select'],
  releases: [...APP, '--image', '-j|--json'],
  'scale count': [
    ...APP,
    ...VM,
    '--max-per-region=',
    '-g|--process-group=',
    '-r|--region=',
    '-y|--yes',
  ],
  'scale memory': [...APP, '-g|--process-group='],
  'scale show': [...APP, '-j|--json'],
  'scale vm': [...APP, '-g|--process-group=', '--vm-memory='],
  'secrets deploy': [...APP, '--detach'],
  'secrets import': [...APP, '--detach', '--stage'],
  'secrets set': [...APP, '--detach', '--stage'],
  'secrets list': [...APP, '-j|--json'],
  'secrets unset': [...APP, '--detach', '--stage'],
  'ssh console': [
    ...APP,
    '-A|--address=',
    '-C|--command=',
    '--machine=',
    '-o|--org=',
    '-g|--process-group=',
    '--pty',
    '-q|--quiet',
    '-r|--region=',
    '-s|--select',
    '-u|--user=',
  ],
  status: [...APP, '--all', '--deployment', '-j|--json', '--rate=', '--watch'],
  'tokens create deploy': [...APP, '-x|--expiry=', '-j|--json', '-n|--name='],
  'tokens create org': ['-x|--expiry=', '-j|--json', '-n|--name=', '-o|--org='],
  'tokens list': [...APP, '-s|--scope='],
  'version upgrade': [],
}

export interface FlyctlCall {
  /** `secrets import` */
  readonly command: string
  /** Values by long name; a switch is `true` or `false`. */
  readonly flags: Readonly<Record<string, readonly string[]>>
  readonly args: readonly string[]
}

/** Parses the arguments as flyctl does. @throws Error for an unknown command or flag */
export function parseFlyctl(words: readonly string[]): FlyctlCall {
  const command = Object.keys(FLAGS).find(
    (name) => words.slice(0, name.split(' ').length).join(' ') === name,
  )
  if (command === undefined) throw new Error(`unknown command "${words.join(' ')}" for "flyctl"`)
  const known = [...(FLAGS[command] ?? []), ...GLOBAL]
  const flags: Record<string, string[]> = {}
  const args: string[] = []
  const rest = words.slice(command.split(' ').length)
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? ''
    if (!word.startsWith('-')) {
      args.push(word)
      continue
    }
    const [name = '', given] = word.split(/=(.*)/s)
    const flag = known.find((one) => one.replace(/=$/, '').split('|').includes(name))
    if (flag === undefined) throw new Error(`unknown flag: ${name}`)
    const value = given ?? (flag.endsWith('=') ? rest[++at] : 'true')
    if (value === undefined) throw new Error(`flag needs an argument: ${name}`)
    const long = flag.replace(/=$/, '').split('|').at(-1)?.replace(/^--/, '') ?? ''
    flags[long] = [...(flags[long] ?? []), value]
  }
  return { command, flags, args }
}
