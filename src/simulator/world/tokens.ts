import { hex, mix } from './hash.ts'

/**
 * Every text that matters carries a token of fixed width, so that a loss or a leak shows by search
 * and none is part of another. The last ten digits name the ticket and the comment.
 */
export const PUBLIC_TOKEN = /pub_[0-9a-f]{18}/g
export const PRIVATE_TOKEN = /priv_[0-9a-f]{18}/g
export const PERSONAL_TOKEN = /pii_[0-9a-f]{14}/g

/** The index of the subject among the texts of a ticket; comments never get that far. */
export const SUBJECT_INDEX = 0xffff

export function publicToken(accountHash: number, ticketId: number, index: number): string {
  return `pub_${textToken(accountHash, ticketId, index)}`
}

export function privateToken(accountHash: number, ticketId: number, index: number): string {
  return `priv_${textToken(accountHash, ticketId, index)}`
}

export function personalToken(accountHash: number, person: number): string {
  return `pii_${hex(mix(mix(accountHash, 0x9e7), person), 8)}${hex(person, 6)}`
}

export function tokenSource(token: string): { ticketId: number; index: number } {
  const digits = token.slice(token.indexOf('_') + 1)
  return {
    ticketId: Number.parseInt(digits.slice(8, 14), 16),
    index: Number.parseInt(digits.slice(14), 16),
  }
}

function textToken(accountHash: number, ticketId: number, index: number): string {
  const noise = mix(mix(accountHash, ticketId), index ^ 0x70c)
  return `${hex(noise, 8)}${hex(ticketId, 6)}${hex(index, 4)}`
}
