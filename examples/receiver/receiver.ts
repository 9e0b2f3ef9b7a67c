import { createServer } from 'node:http'
import { createReceiver, nodeListener } from 'risc-set'
import { store } from './accounts.ts'
import { openDatabase } from './database.ts'
import { readSettings } from './settings.ts'

const { databaseUrl, port, idp } = readSettings(process.env)
const db = await openDatabase(databaseUrl)

const receive = createReceiver({
  ...idp, // issuer, audience, jwks: the URL of the issuer's keys
  onSet: (set) => store(db, set),
  onError: console.error, // the identity provider hears 503, and tries again
})
const server = createServer(nodeListener(receive)).listen(port, () => console.log('listening', server.address()))
