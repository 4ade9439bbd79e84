// The commands in the order of the root help. Each is defined in its own file, which is imported
// only when the command line contains its name: importing all of them would take most of the time
// of a short command. The root help prints only this table.

import type { Command } from 'commander'
import type { Cli } from './cli.ts'

interface CommandEntry {
  readonly name: string
  /** The options and arguments as the root help prints them. */
  readonly usage: string
  readonly description: string
  /** Imports the function that adds the arguments, options, verbs and action. */
  readonly load: () => Promise<(command: Command, cli: Cli) => void>
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'init',
    usage: '',
    description: 'prompt for the database and the keys, check them, and write them to .env',
    load: async () => (await import('./init.ts')).defineInit,
  },
  {
    name: 'add',
    usage: '[options] [shops...]',
    description: 'add sources; shops are recognised by their addresses and synced at once',
    load: async () => (await import('./add/add.ts')).defineAdd,
  },
  {
    name: 'sync',
    usage: '[options] [name]',
    description: 'fetch and apply changes; resume an interrupted run',
    load: async () => (await import('./sync/sync.ts')).defineSync,
  },
  {
    name: 'import',
    usage: '[options] [products...]',
    description: 'import products by their ASINs, addresses or ids, now and beside any other run',
    load: async () => (await import('./import/import.ts')).defineImport,
  },
  {
    name: 'plan',
    usage: '[options] <name>',
    description:
      'print what a sync would change now, and whether it would be held (exit code 0 in either case); change nothing',
    load: async () => (await import('./plan/plan.ts')).definePlan,
  },
  {
    name: 'replay',
    usage: '[options] <name>',
    description:
      'apply an archived artifact again: write the products that this version reads differently, and remove nothing',
    load: async () => (await import('./replay.ts')).defineReplay,
  },
  {
    name: 'status',
    usage: '[options] [name]',
    description: 'show sources: products, last run, what is late, and open decisions',
    load: async () => (await import('./status/status.ts')).defineStatus,
  },
  {
    name: 'explain',
    usage: '[options] <source> <product>',
    description:
      'explain the status and the prices of a product: runs, records, decisions, and what waits',
    load: async () => (await import('./explain.ts')).defineExplain,
  },
  {
    name: 'runs',
    usage: '',
    description: 'list, show, approve, reject or cancel runs',
    load: async () => (await import('./runs/runs.ts')).defineRuns,
  },
  {
    name: 'products',
    usage: '[options] <name> [words...]',
    description: 'list the products of a source, or search them by title, id, SKU or GTIN',
    load: async () => (await import('./products.ts')).defineProducts,
  },
  {
    name: 'changes',
    usage: '[options] [name]',
    description: 'list the published changes of products, the newest first',
    load: async () => (await import('./changes.ts')).defineChanges,
  },
  {
    name: 'export',
    usage: '[options] [name]',
    description: 'write all products or prices of one source or of all as CSV or NDJSON',
    load: async () => (await import('./export.ts')).defineExport,
  },
  {
    name: 'mcp',
    usage: '',
    description:
      'serve the catalogue to an agent over standard input and output (MCP), to read only',
    load: async () => (await import('./mcp.ts')).defineMcp,
  },
  {
    name: 'reviews',
    usage: '',
    description: 'list, approve, reject or edit what waits for a person, and rules that decide',
    load: async () => (await import('./reviews/reviews.ts')).defineReviews,
  },
  {
    name: 'actions',
    usage: '[options]',
    description: 'list what people changed, by whom and why, the newest first',
    load: async () => (await import('./actions.ts')).defineActions,
  },
  {
    name: 'quarantine',
    usage: '',
    description: 'list quarantined records, or apply them again',
    load: async () => (await import('./quarantine.ts')).defineQuarantine,
  },
  {
    name: 'sources',
    usage: '',
    description: 'list, show, change, rename, pause, resume or remove sources',
    load: async () => (await import('./sources/sources.ts')).defineSources,
  },
  {
    name: 'artifacts',
    usage: '',
    description: "list, verify or print the suppliers' archived data",
    load: async () => (await import('./artifacts.ts')).defineArtifacts,
  },
  {
    name: 'webhooks',
    usage: '',
    description: 'list, add, test, pause, resume or remove webhooks, and replay their deliveries',
    load: async () => (await import('./webhooks/webhooks.ts')).defineWebhooks,
  },
  {
    name: 'rules',
    usage: '',
    description: 'list, add, try, switch or remove rules on changes, such as a price that falls',
    load: async () => (await import('./rules/rules.ts')).defineRules,
  },
  {
    name: 'images',
    usage: '',
    description: 'count the stored images, list those that have failed, or fetch images again',
    load: async () => (await import('./images.ts')).defineImages,
  },
  {
    name: 'parse',
    usage: '',
    description:
      'read texts of shops as JSON lines, and print the weights, prices and attributes in them',
    load: async () => (await import('./parse.ts')).defineParse,
  },
  {
    name: 'purge',
    usage: '[options] [name]',
    description: 'remove the stored bytes of old runs; their products stay in the catalogue',
    load: async () => (await import('./purge.ts')).definePurge,
  },
  {
    name: 'serve',
    usage: '[roles...]',
    description: 'run the services: workers of the queue, schedules, and HTTP servers',
    load: async () => (await import('./serve.ts')).defineServe,
  },
  {
    name: 'alerts',
    usage: '',
    description: 'list open alerts, acknowledge or mute one, and send a test message',
    load: async () => (await import('./alerts.ts')).defineAlerts,
  },
  {
    name: 'limits',
    usage: '',
    description: 'list the limits of requests and the circuit breakers, and reset one',
    load: async () => (await import('./limits.ts')).defineLimits,
  },
  {
    name: 'jobs',
    usage: '',
    description:
      'list, retry or discard dead letters: tasks of the services that failed permanently',
    load: async () => (await import('./jobs.ts')).defineJobs,
  },
  {
    name: 'migrate',
    usage: '[options]',
    description:
      'apply the migrations of this version, including those of the queue; safe to repeat',
    load: async () => (await import('./migrate.ts')).defineMigrate,
  },
  {
    name: 'logins',
    usage: '[options] [kinds...]',
    description: 'create a database login with few rights for each kind of process',
    load: async () => (await import('./logins.ts')).defineLogins,
  },
  {
    name: 'migrations',
    usage: '',
    description: 'copy the SQL files of the schema',
    load: async () => (await import('./migrations.ts')).defineMigrations,
  },
  {
    name: 'functions',
    usage: '',
    description: 'copy the edge functions for Amazon into a Supabase project',
    load: async () => (await import('./functions/functions.ts')).defineFunctions,
  },
  {
    name: 'publish',
    usage: '[options]',
    description:
      'let database roles read schema api, but never the raw records; without --role, list the readers',
    load: async () => (await import('./publish.ts')).definePublish,
  },
  {
    name: 'doctor',
    usage: '[roles...]',
    description:
      'check settings, database, artifact store, keys, hosts and clocks, and print advice',
    load: async () => (await import('./doctor/doctor.ts')).defineDoctor,
  },
  {
    name: 'stop',
    usage: '',
    description:
      'stop the embedded database in SHELFSYNC_HOME for all processes; stop a running `shelfsync serve` or `shelfsync sync` first, or it starts the database again',
    load: async () => (await import('./stop.ts')).defineStop,
  },
]
