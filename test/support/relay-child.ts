import { connect } from '../../db/connect.ts'
import { HttpSink } from '../../src/publish/push/http-sink.ts'
import { passOver } from './sinks.ts'

/** One pass in a process of its own, which a test can kill: database, receiver. */
const [databaseUrl = '', url = ''] = process.argv.slice(2)
await using db = connect(databaseUrl, { applicationName: 'relay-child' })
await using http = new HttpSink({ allowPrivateAddresses: true })
await passOver(db, { url, http })
