import type { Publication } from './api.ts'

/** What the simulated account says must be published of one ticket. */
export interface ExpectedTranscript {
  readonly ticketId: number
  readonly comments: readonly {
    readonly id: number
    /** A word that stands in the text; null if a redaction took it. */
    readonly publicToken: string | null
    readonly role: string
    /** The account no longer tells who wrote this, so that no reader can know the role. */
    readonly isAuthorMissing: boolean
  }[]
}

export interface Comparison {
  readonly transcripts: number
  readonly comments: number
  /** One line a difference; empty if what was published is exactly what had to be. */
  readonly differences: readonly string[]
}

/**
 * Holds what was published against the truth, ticket by ticket and comment by comment: everything
 * that must be there once, at revision 1, nothing else, and no private word anywhere.
 */
export function compare(
  expected: Iterable<ExpectedTranscript>,
  publications: readonly Publication[],
  privateToken: RegExp,
): Comparison {
  const differences: string[] = []
  const published = new Map<number, Publication>()
  for (const publication of publications) {
    const { ticket, revision } = publication.transcript
    if (published.has(ticket.id)) differences.push(`ticket ${ticket.id}: published twice`)
    if (publication.type !== 'transcript.published') {
      differences.push(`ticket ${ticket.id}: retracted`)
    }
    if (revision !== 1) differences.push(`ticket ${ticket.id}: revision ${revision} instead of 1`)
    if (JSON.stringify(publication).search(privateToken) !== -1) {
      differences.push(`ticket ${ticket.id}: private text was published`)
    }
    published.set(ticket.id, publication)
  }
  let comments = 0
  const missing = new Set(published.keys())
  for (const transcript of expected) {
    missing.delete(transcript.ticketId)
    comments += transcript.comments.length
    differences.push(...ticketDifferences(transcript, published.get(transcript.ticketId)))
  }
  for (const ticketId of missing) differences.push(`ticket ${ticketId}: must not be published`)
  return { transcripts: published.size, comments, differences }
}

function ticketDifferences(
  expected: ExpectedTranscript,
  publication: Publication | undefined,
): string[] {
  const name = `ticket ${expected.ticketId}`
  if (publication === undefined) return [`${name}: not published`]
  const { turns } = publication.transcript
  const differences = expected.comments.flatMap((comment, index) => {
    const turn = turns[index]
    const place = `${name}, comment ${comment.id}`
    if (turn?.comment_id !== comment.id) return [`${place}: not published in its place`]
    if (!turn.text.includes(comment.publicToken ?? ''))
      return [`${place}: its text is not complete`]
    if (turn.role !== comment.role && !comment.isAuthorMissing) {
      return [`${place}: ${turn.role} instead of ${comment.role}`]
    }
    return []
  })
  if (turns.length > expected.comments.length) {
    differences.push(`${name}: ${turns.length} comments instead of ${expected.comments.length}`)
  }
  return differences
}
