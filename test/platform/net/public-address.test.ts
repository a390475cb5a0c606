import test from 'ava'
import { isPublicAddress } from '../../../src/platform/net/public-address.ts'

const judges = test.macro<[boolean, readonly string[]]>({
  title: (_, isPublic) => `addresses that are ${isPublic ? '' : 'not '}public are told`,
  exec(t, isPublic, addresses) {
    for (const address of addresses) t.is(isPublicAddress(address), isPublic, address)
  },
})
test(judges, true, [
  '8.8.8.8',
  '172.15.255.255',
  '172.32.0.1',
  '100.63.255.255',
  '192.167.1.1',
  '2606:4700::1111',
  '2a00:1450:4001::1',
])
test(judges, false, [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '192.88.99.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:10.0.0.1',
  '::ffff:8.8.8.8',
  '64:ff9b::a00:1',
  'fc00::1',
  'fd12::1',
  'fe80::1',
  'fe80::1%eth0',
  'ff02::1',
  '2001:db8::1',
  '2002:7f00:1::',
  'not an address',
])
