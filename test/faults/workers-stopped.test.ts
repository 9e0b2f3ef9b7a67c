import { testFaults } from './lane.ts'

testFaults(['SIGTERM', 'second SIGTERM'], { proxied: false })
