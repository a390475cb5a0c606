import test from 'ava'
import { pruneConsents } from '../../src/housekeeping/store.ts'
import { testDatabase } from '../support/database.ts'
import { anIntegration } from '../support/gateway.ts'

test('consents that have expired go, those that may still be given stay', async (t) => {
  const { db } = await testDatabase(t)
  const { integrationId } = await anIntegration(db)
  const consent = (state: string, expiresAt: Date) => ({
    stateHash: Buffer.from(state),
    integrationId,
    keyId: 'test',
    codeVerifier: Buffer.from('sealed'),
    expiresAt,
  })
  await db
    .insertInto('consent')
    .values([
      consent('old', new Date(Date.now() - 7_200_000)),
      consent('open', new Date(Date.now() + 600_000)),
    ])
    .execute()

  t.deepEqual(await pruneConsents(db), { consents: 1 })

  const left = await db.selectFrom('consent').select('stateHash').execute()
  t.deepEqual(
    left.map(({ stateHash }) => stateHash.toString()),
    ['open'],
  )
})
