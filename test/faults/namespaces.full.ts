// A cut that outlasts the lease of the host that was cut off.

import { testNetworkCut } from './namespaces.ts'

testNetworkCut(60_000)
