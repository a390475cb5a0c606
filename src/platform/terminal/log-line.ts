import { z } from 'zod'

const Line = z.looseObject({
  level: z.string(),
  time: z.string(),
  msg: z.string().optional(),
  stage: z.string().optional(),
})

/** A line of the log as a person reads it: when, how bad, where, what, and then its fields. */
export function readableLine(json: string): string {
  const parsed = Line.safeParse(parseJson(json))
  if (!parsed.success) return json
  const { level, time, msg = '', stage = '', ...fields } = parsed.data
  const clock = time.slice(11, 23)
  const told = Object.entries(fields).map(([name, value]) => `${name}=${readable(value)}`)
  return `${[clock, level.toUpperCase().padEnd(5), stage.padEnd(12), msg, ...told].join(' ')}\n`
}

function readable(value: unknown): string {
  return typeof value === 'string' && /^\S+$/.test(value) ? value : JSON.stringify(value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // What is no JSON is shown as it is.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
