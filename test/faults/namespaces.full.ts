// A network cut that lasts longer than the lease of the disconnected host.

import { testNetworkCut } from './namespaces.ts'

testNetworkCut(60_000)
