import test from 'ava'
import { findIntegration, lockIntegration, markConnected } from '../../src/integration/store.ts'
import { flagUnlessRenewed } from '../../src/integration/refusal-store.ts'
import { testDatabase } from '../support/database.ts'
import { anIntegration } from '../support/gateway.ts'

const error = { code: 'account_changed', message: 'somebody else answers' } as const

test('a refusal stops the integration whose consent was refused', async (t) => {
  const { db } = await testDatabase(t)
  const { integrationId } = await anIntegration(db)
  const consent = async (userId: number) =>
    db.transaction().execute(async (trx) => {
      const integration = await lockIntegration(trx, integrationId)
      if (integration !== undefined) await markConnected(trx, integration, userId)
    })
  await consent(7)
  const seen = await findIntegration(db, integrationId)
  if (seen === undefined) return t.fail()

  t.true(await flagUnlessRenewed(db, seen, error))

  t.like(await findIntegration(db, integrationId), { status: 'errored', error })
  await consent(8)
  t.false(await flagUnlessRenewed(db, seen, error), 'what the old consent met says nothing of it')
  t.like(await findIntegration(db, integrationId), {
    status: 'active',
    error: null,
    zendeskUserId: 8,
  })
})
