import { testFaults } from './lane.ts'

testFaults(['backends terminated', 'connections frozen', 'connections cut'], { proxied: true })
