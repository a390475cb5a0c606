/** FNV-1a over UTF-16 units: turns a seed or a subdomain into the number everything else derives from. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return mix(hash, text.length)
}

/** Two 32-bit numbers in, one well spread unsigned 32-bit number out (the finaliser of murmur3). */
export function mix(left: number, right: number): number {
  let hash = (left ^ Math.imul(right | 0, 0x9e3779b1)) | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** A hash as a fraction: 0 <= unit < 1. */
export function unit(hash: number): number {
  return hash / 0x1_0000_0000
}

export function pick<T>(list: readonly T[], hash: number): T {
  const chosen = list[hash % list.length]
  if (chosen === undefined) throw new RangeError('expected a list with at least one member')
  return chosen
}

export function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
