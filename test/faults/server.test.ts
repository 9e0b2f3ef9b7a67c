import { testFaults } from './lane.ts'

testFaults(['PostgreSQL restart fast', 'PostgreSQL restart immediate', 'PostgreSQL stopped', 'PostgreSQL up late'], {
  proxied: false,
})
