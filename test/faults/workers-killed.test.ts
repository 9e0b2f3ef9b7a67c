import { testFaults } from './lane.ts'

testFaults(['kill -9'], { proxied: false })
