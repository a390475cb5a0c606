import { join } from 'node:path'
import { requireBinaries, usableBinaries } from './embedded/binaries.ts'
import { type PostgresHome, openKeptHome, openTemporaryHome } from './embedded/home.ts'
import type { Leashed } from './embedded/leash.ts'
import { stopPostmaster } from './embedded/postmaster.ts'
import { initialise, serve } from './embedded/server.ts'

/**
 * Postgres as a child of this process, from the binaries of an npm package: for development, the
 * demo and the tests, never for production. It listens on a free port of 127.0.0.1 alone, behind a
 * random password. It never outlives us (see `embedded/leash.ts`), and a folder of a killed run is removed
 * or taken over by the next start (see `embedded/home.ts`).
 */
export interface EmbeddedPostgres extends AsyncDisposable {
  readonly url: string
  readonly port: number
}

/**
 * Durable data is kept in `dataDir` and found again; other data is fast and gone after the stop. It
 * is below `root`, or else where the system has its temporary files.
 */
export type EmbeddedOptions = { readonly signal?: AbortSignal } & (
  | { readonly durable: false; readonly root?: string | undefined }
  | { readonly durable: true; readonly dataDir: string }
)

export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const native = requireBinaries()
  const home = await (options.durable
    ? openKeptHome(options.dataDir)
    : openTemporaryHome(options.root))
  try {
    const bin = join(usableBinaries(native, home.dir, home.account), 'bin')
    const password = await initialise(home, bin, options)
    const { port, server } = await serve(home, bin, options)
    // Whoever forgets to stop it ends all the same, and the server with it.
    server.child.unref()
    return {
      url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      port,
      [Symbol.asyncDispose]: () => stop(home, server),
    }
  } catch (error) {
    home.close()
    throw error
  }
}

async function stop(home: PostgresHome, server: Leashed): Promise<void> {
  server.child.ref()
  server.stop()
  await stopPostmaster(home.data)
  await server.ended
  home.close()
}
