// The metrics of stored images, a part of the table of metrics.

export const IMAGE_METRICS = {
  shelfsync_image_addresses: {
    type: 'gauge',
    scope: 'system',
    labels: { state: ['new', 'waiting', 'failed'] },
    help: 'Images that have not been looked at (100,000 at most), and addresses of images that wait for a request or have failed. Stored addresses do not count.',
  },
  shelfsync_image_flagged_hosts: {
    type: 'gauge',
    scope: 'system',
    labels: {},
    help: 'Hosts that refuse requests for images, and get one a day.',
  },
  shelfsync_image_queue_age_seconds: {
    type: 'gauge',
    scope: 'system',
    labels: {},
    help: 'Time for which the first image has been due at a host that is not paused; 0 if none is due.',
  },
  shelfsync_images_total: {
    type: 'counter',
    scope: 'process',
    labels: { result: ['uploaded', 'known', 'unchanged', 'by_url'] },
    help: 'Requests for images that succeeded: uploaded, known (a copy with this content is stored), unchanged (status 304), by_url (fetched by ImageKit).',
  },
  shelfsync_image_fetched_bytes_total: {
    type: 'counter',
    scope: 'process',
    labels: {},
    help: 'Bytes of images that were fetched.',
  },
  shelfsync_image_failures_total: {
    type: 'counter',
    scope: 'process',
    labels: {
      reason: [
        'missing',
        'refused',
        'wrong_type',
        'too_large',
        'store_refused',
        'address_refused',
        'unavailable',
        'other',
      ],
    },
    help: 'Failed attempts at an image, by reason. Waits for a limit and for the place where images are stored do not count.',
  },
} as const
