import { createAccount } from '../account.ts'
import type { Account } from '../account.ts'
import { changeAccount } from '../change-account.ts'
import type { Control } from './types.ts'
import { patchSettings } from '../options.ts'
import { expectedTranscripts, withdrawnTexts } from '../oracle.ts'
import type { State } from '../state.ts'
import { sendRaw } from '../delivery/raw-delivery.ts'

/** The levers, on the state of this process. */
export function createControl(state: State): Control {
  const account = (subdomain: string): Account => accountOf(state, subdomain)
  return {
    addAccount: async (options) => {
      state.accounts.set(options.subdomain, createAccount(options, state))
    },
    setAccount: async (subdomain, patch) => {
      const found = account(subdomain)
      found.limits.settle(found.settings)
      found.settings = patchSettings(found.settings, patch)
      return found.settings
    },
    now: async () => state.clock.now(),
    advanceClock: async (ms) => state.clock.advance(ms),
    mutate: async (subdomain, mutation) => changeAccount(account(subdomain), mutation),
    setFault: async (fault) => state.faults.set(fault),
    clearFaults: async (id) => state.faults.clear(id),
    listFaults: async () => state.faults.list(),
    requests: async (filter) => state.log.list(filter),
    counters: async (subdomain) => state.log.counters(subdomain),
    clearRequests: async () => state.log.clear(),
    tokenUse: async (subdomain) => account(subdomain).grants.use(),
    secrets: async (subdomain) => account(subdomain).grants.secrets(),
    revokeTokens: async (subdomain) => account(subdomain).grants.revokeAll(),
    sendWebhook: async (subdomain, raw) => sendRaw(account(subdomain), raw),
    webhooksSettled: async (subdomain) => {
      const { webhooks, settings } = account(subdomain)
      await webhooks.settled(settings)
    },
    async *expectedTranscripts(subdomain, filter) {
      yield* expectedTranscripts(account(subdomain), filter)
    },
    async *withdrawnTexts(subdomain) {
      yield* withdrawnTexts(account(subdomain))
    },
  }
}

export function accountOf(state: State, subdomain: string): Account {
  const account = state.accounts.get(subdomain)
  if (account === undefined) throw new RangeError(`no account "${subdomain}" in the simulator`)
  return account
}
