import { isoSeconds } from '../world/clock.ts'
import { bodyOf, htmlOf, plainOf } from '../text/comment-text.ts'
import type { Comment } from './comment.ts'
import { hex, mix, pick } from '../world/hash.ts'
import { attachmentId, auditId, SYSTEM_AUTHOR, userNumber } from '../world/ids.ts'
import { CITIES } from '../text/replies.ts'
import type { Ticket } from './ticket.ts'
import { personalToken } from '../world/tokens.ts'
import type { UserChanges } from '../world/user.ts'
import { addressOf, presentId, userOf } from '../world/user.ts'
import type { World } from '../world/world.ts'

type Json = Record<string, unknown>

/** What a renderer needs besides the ticket: whose it is and the address that links carry. */
export interface Setting {
  readonly world: World
  readonly users: UserChanges
  readonly base: string
}

/**
 * A comment in the form of the comments endpoint. One in ten comes in one of the shapes that real
 * accounts hold: without `plain_body`, with empty texts, with entities, spoken on the phone.
 */
export function commentJson(setting: Setting, ticket: Ticket, comment: Comment): Json {
  const shape = mix(mix(ticket.hash, 70), comment.index) % 100
  const body = bodyOf(ticket, comment)
  const isVoice = ticket.channel === 'voice' && comment.index === 0 && shape < 50
  const json: Json = {
    id: comment.id,
    type: isVoice ? 'VoiceComment' : 'Comment',
    author_id: presentId(setting.users, comment.authorId),
    body,
    html_body: shape === 8 ? '' : htmlOf(body),
    plain_body: shape >= 6 && shape < 9 ? '' : plainOf(body, shape === 9 || shape === 10),
    public: comment.isPublic,
    attachments: attachmentsOf(setting, ticket, comment, shape),
    audit_id: auditId(ticket.id, comment.index),
    via: viaOf(setting, ticket, comment),
    created_at: isoSeconds(comment.at),
    metadata: metadataOf(setting.world, comment),
  }
  if (shape < 6) delete json['plain_body']
  return isVoice ? { ...json, ...voiceFields(ticket, comment) } : json
}

export function viaOf(setting: Setting, ticket: Ticket, comment: Comment): Json {
  const source: Json = { from: {}, to: {}, rel: null }
  if (ticket.channel === 'email' && comment.index === 0) {
    const author = userOf(setting.world, setting.users, comment.authorId)
    source['from'] = { address: author?.email ?? null, name: author?.name ?? null }
    source['to'] = { name: 'Acme', address: supportAddress(setting.world) }
  }
  const isFirst = comment.index === 0
  return { channel: isFirst ? ticket.channel : 'web', source }
}

export function supportAddress(world: World): string {
  return `support@${world.subdomain}.zendesk.com`
}

/** Browser, address and place of the writer: personal, and therefore marked by a token. */
export function systemOf(world: World, authorId: number): Json {
  if (authorId === SYSTEM_AUTHOR) return {}
  const hash = mix(world.hash, userNumber(authorId))
  const token = personalToken(world.hash, userNumber(authorId))
  return {
    client: `Mozilla/5.0 (X11; Linux x86_64) Harbor/${hash % 20} ${token}`,
    ip_address: addressOf(world, authorId),
    location: pick(CITIES, hash),
    latitude: (hash % 180) - 90,
    longitude: (hash % 360) - 180,
  }
}

function metadataOf(world: World, comment: Comment): Json {
  const metadata: Json = { system: systemOf(world, comment.authorId), custom: {} }
  if (comment.edit?.isMadePrivate === true) {
    metadata['flags'] = [17]
    metadata['flags_options'] = { '17': { trusted: false } }
  }
  return metadata
}

function attachmentsOf(
  setting: Setting,
  ticket: Ticket,
  comment: Comment,
  shape: number,
): readonly Json[] {
  const added = ticket.added[comment.index - ticket.baseComments]
  const count =
    added === undefined
      ? shape >= 20 && shape < 26
        ? 1 + (shape % 2)
        : 0
      : Number(added.hasAttachment)
  return Array.from({ length: count }, (_, position) =>
    attachmentJson(setting, ticket, comment, position),
  )
}

function attachmentJson(
  setting: Setting,
  ticket: Ticket,
  comment: Comment,
  position: number,
): Json {
  const id = attachmentId(comment.id, position)
  const isRedacted = comment.edit?.areAttachmentsRedacted === true
  const name = isRedacted ? 'redacted.txt' : position === 0 ? 'screenshot.png' : 'console.log'
  const isImage = name.endsWith('.png')
  const secret = hex(mix(ticket.hash, id), 8)
  const url = `${setting.base}/attachments/token/${secret}/?name=${name}`
  return {
    url: `${setting.base}/api/v2/attachments/${id}.json`,
    id,
    file_name: name,
    content_url: url,
    mapped_content_url: url,
    content_type: isImage ? 'image/png' : 'text/plain',
    size: isRedacted ? 0 : 2532 + (ticket.hash % 90_000),
    width: isImage ? 640 : null,
    height: isImage ? 480 : null,
    inline: isImage && comment.index % 2 === 1,
    deleted: false,
    malware_access_override: false,
    malware_scan_result: pick(['malware_not_found', 'not_scanned', 'failed_to_scan'], ticket.hash),
    thumbnails: [],
  }
}

function voiceFields(ticket: Ticket, comment: Comment): Json {
  const duration = 30 + (ticket.hash % 600)
  return {
    data: {
      from: '+15550100',
      to: '+15550199',
      recording_url: null,
      recorded: false,
      started_at: isoSeconds(comment.at),
      call_id: ticket.hash,
      call_duration: duration,
      answered_by_id: ticket.assigneeId,
      transcription_text: `Call of ${duration} seconds. Ref ${comment.token}`,
      location: null,
    },
    formatted_from: '+1 555-0100',
    formatted_to: '+1 555-0199',
    transcription_visible: false,
  }
}
