// A cut that outlasts the lease of the host that was cut off.

import { testCutOff } from './namespaces.ts'

testCutOff(60_000)
