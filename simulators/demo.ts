// Facts about the simulated supplier of `npm start`.

export const demo = {
  /** The name of the simulator and of the connector. */
  connector: 'medipim',
  title: 'MediPim',
  source: 'medipim-demo',
  environment: (url: string) => ({ MEDIPIM_API_URL: url, MEDIPIM_API_KEY: '42:sim-key' }),
  settings: (url: string) => ({ apiUrl: url, market: 'au' }),
  /** Commands that sync the real supplier. Both need the key, so it is exported. */
  realCommands: [
    'export MEDIPIM_API_KEY_ID=… MEDIPIM_API_KEY_SECRET=…',
    'npx shelfsync add medipim && npx shelfsync sync',
  ],
}
