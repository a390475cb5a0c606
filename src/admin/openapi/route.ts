import Router from '@koa/router'
import { readVersion } from '../../platform/config/version.ts'
import { openApiDocument } from '../../platform/http/openapi/document.ts'
import type { Operation } from '../../platform/http/openapi/operation.ts'

/** Tells programs what there is, to whoever asks: it is the same for every customer. */
export function openApiRoutes(
  operations: readonly Operation[],
  { publicUrl }: { readonly publicUrl: string },
): Router {
  const router = new Router()
  const document = openApiDocument(operations, { version: readVersion(), publicUrl })
  // Anybody may ask, and as often as they like: it is written down once.
  const text = `${JSON.stringify(document, null, 2)}\n`
  router.get('/admin/openapi.json', (ctx) => {
    ctx.type = 'json'
    ctx.body = text
  })
  return router
}
