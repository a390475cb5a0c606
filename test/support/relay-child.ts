import { connect } from '../../db/connect.ts'
import { HttpSink } from '../../src/publish/http-sink.ts'
import { relayOnce } from '../../src/publish/relay-once.ts'

/** One pass in a process of its own, which a test can kill: database, receiver, secret. */
const [databaseUrl = '', url = '', secret = ''] = process.argv.slice(2)
await using db = connect(databaseUrl)
await using sink = new HttpSink({ url, secret, allowPrivateAddresses: true, connections: 4 })
await relayOnce({ db, sink, name: 'http' }, new AbortController().signal)
