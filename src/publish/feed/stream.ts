import type { Context } from 'koa'

export const NDJSON = 'application/x-ndjson'

/** Whether the reader wants a stream of lines, and not a page. */
export function wantsLines(ctx: Context): boolean {
  ctx.vary('accept')
  return ctx.accepts('application/json', NDJSON) === NDJSON
}

/** A page and those behind it up to the limit; one is read while the one before it is sent. */
export async function* readOn<Page extends { readonly hasMore: boolean }>(
  first: Page,
  limit: number,
  {
    sizeOf,
    read,
  }: {
    readonly sizeOf: (page: Page) => number
    readonly read: (after: Page, most: number) => Promise<Page>
  },
): AsyncGenerator<Page> {
  let left = limit
  for (let page = first; ;) {
    left -= sizeOf(page)
    if (left <= 0 || !page.hasMore) return yield page
    const next = read(page, left)
    // Told when it is waited for, if anybody still does.
    next.catch(() => {})
    yield page
    page = await next
  }
}

/** One item a line, read no faster than the client takes them. */
export async function* toLines<Page>(
  pages: AsyncIterable<Page>,
  toItems: (page: Page) => readonly unknown[],
): AsyncGenerator<string> {
  for await (const page of pages) {
    const lines = toItems(page).map((item) => `${JSON.stringify(item)}\n`)
    if (lines.length > 0) yield lines.join('')
  }
}
