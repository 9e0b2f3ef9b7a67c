import { testFaults } from './lane.ts'

testFaults(['too many connections', 'disk full'], { proxied: false })
