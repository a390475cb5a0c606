import type { Control } from './control/types.ts'

/** The levers of a simulator in another process. */
export function connectControl(controlUrl: string): Control {
  const call = async (lever: string, args: readonly unknown[]): Promise<Response> => {
    const response = await fetch(`${controlUrl}/${lever}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(args),
    })
    if (response.ok) return response
    throw new Error(
      `simulator control ${lever} answered ${response.status}: ${await response.text()}`,
    )
  }
  const ask =
    <Args extends readonly unknown[], Value>(lever: string) =>
    async (...args: Args): Promise<Value> => {
      const answer = (await (await call(lever, args)).json()) as { readonly value: Value }
      return answer.value
    }
  return {
    addAccount: ask('addAccount'),
    setAccount: ask('setAccount'),
    now: ask('now'),
    advanceClock: ask('advanceClock'),
    mutate: ask('mutate'),
    setFault: ask('setFault'),
    clearFaults: ask('clearFaults'),
    listFaults: ask('listFaults'),
    requests: ask('requests'),
    counters: ask('counters'),
    clearRequests: ask('clearRequests'),
    tokenUse: ask('tokenUse'),
    secrets: ask('secrets'),
    revokeTokens: ask('revokeTokens'),
    sendWebhook: ask('sendWebhook'),
    webhooksSettled: ask('webhooksSettled'),
    async *expectedTranscripts(subdomain, filter) {
      yield* linesOf(await call('expectedTranscripts', [subdomain, filter]))
    },
    async *withdrawnTexts(subdomain) {
      yield* linesOf(await call('withdrawnTexts', [subdomain]))
    },
  }
}

/** NDJSON, row by row, without holding the whole answer. */
async function* linesOf<Row>(response: Response): AsyncIterable<Row> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield JSON.parse(line) as Row
  }
  if (rest !== '') yield JSON.parse(rest) as Row
}
