// Settings of the embedded server.

import { totalmem } from 'node:os'
import type { Settings } from './server.ts'

/** Tuned for bulk loads, without giving up durability. */
export function buildSettings(): Settings {
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    cluster_name: 'shelfsync',
    timezone: 'UTC',
    log_timezone: 'UTC',
    max_connections: '60',
    shared_buffers: `${Math.min(256, Math.floor(totalmem() / 2 ** 20 / 8))}MB`,
    maintenance_work_mem: '256MB',
    // Without replication, a table filled in the transaction that created it needs no log.
    wal_level: 'minimal',
    max_wal_senders: '0',
    wal_compression: 'on',
    max_wal_size: '4GB',
    checkpoint_timeout: '30min',
    checkpoint_completion_target: '0.9',
    jit: 'off',
    // One line per error, without values: the log stays small and free of catalogue data.
    log_min_messages: 'error',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
  }
}
