import { testCutOff } from './namespaces.ts'

testCutOff(60_000)
