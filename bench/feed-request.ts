// The request for the whole feed, as MediPim documents it.

/** `feedUrl` is the address of the simulator. */
export function createFeedRequest(feedUrl: string) {
  return {
    url: `${feedUrl}/v4/products/stream`,
    method: 'POST',
    headers: { authorization: `Basic ${btoa('42:secret')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ filter: { updatedSince: 0 }, sorting: { touchedAt: 'ASC' } }),
  } as const
}
