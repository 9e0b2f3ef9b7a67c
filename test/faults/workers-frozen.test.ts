import { testFaults } from './lane.ts'

testFaults(['SIGSTOP beyond the TTL'], { proxied: false })
