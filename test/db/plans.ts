import type { Pool } from 'pg'
import type { Sent } from '../support/explain.ts'

/** A table that a plan reads from its start to its end, by itself or by an index. */
export interface FullScan {
  readonly table: string
  readonly node: string
  readonly rows: number
}

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Filter?: string
  readonly Plans?: readonly PlanNode[]
}

export interface Catalogue {
  /** Rows of each table. */
  readonly rows: ReadonlyMap<string, number>
  /** Indexes of a part of their table only. */
  readonly partial: ReadonlySet<string>
}

export async function readCatalogue(pool: Pool): Promise<Catalogue> {
  const tables = await pool.query<{ name: string; rows: number }>(
    `select relname as name, reltuples::float8 as rows from pg_class
     where relkind = 'r' and relnamespace = 'public'::regnamespace`,
  )
  const partial = await pool.query<{ name: string }>(
    `select indexrelid::regclass::text as name from pg_index where indpred is not null`,
  )
  return {
    rows: new Map(tables.rows.map(({ name, rows }) => [name, rows])),
    partial: new Set(partial.rows.map(({ name }) => name)),
  }
}

/** What of large tables a statement reads in full, with the values that it was sent with. */
export async function fullScansOf(
  pool: Pool,
  statement: Sent,
  catalogue: Catalogue,
): Promise<FullScan[]> {
  return scansIn(await planOf(pool, statement), catalogue, false)
}

async function planOf(pool: Pool, { sql, parameters }: Sent): Promise<PlanNode> {
  const { rows } = await pool.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `explain (format json) ${sql}`,
    [...parameters],
  )
  const [row] = rows
  if (row === undefined) throw new Error('the server explains nothing')
  return row['QUERY PLAN'][0].Plan
}

/**
 * An index of what is to be done is read from its start to its end, or for a row that another index finds
 * by its key.
 */
export interface Search {
  readonly index: string
  readonly filter: string
}

const BY_KEY = /\b(id|event_id|ticket_id|sequence) = (?!ANY \('\{\}')/

export async function searchesOf(
  pool: Pool,
  statement: Sent,
  catalogue: Catalogue,
): Promise<Search[]> {
  return searchesIn(await planOf(pool, statement), catalogue, false)
}

function searchesIn(node: PlanNode, catalogue: Catalogue, isLimited: boolean): Search[] {
  const { 'Index Name': index = '', 'Index Cond': condition, Filter: filter = '' } = node
  const isWhole = condition === undefined && !isLimited
  const isSearch = catalogue.partial.has(index) && (isWhole || BY_KEY.test(filter))
  const limits = isLimitedBelow(node, isLimited)
  const below = (node.Plans ?? []).flatMap((it) => searchesIn(it, catalogue, limits))
  return isSearch ? [{ index, filter }, ...below] : below
}

/** More than this is not read for the sake of a few rows. */
const FEW = 5_000

function scansIn(node: PlanNode, catalogue: Catalogue, isLimited: boolean): FullScan[] {
  const type = node['Node Type']
  const table = node['Relation Name'] ?? ''
  const rows = catalogue.rows.get(table) ?? 0
  const isFull = type.endsWith('Seq Scan') || (!isLimited && readsWholeIndex(node, catalogue))
  const own = isFull && rows > FEW ? [{ table, node: type, rows }] : []
  const limits = isLimitedBelow(node, isLimited)
  return [...own, ...(node.Plans ?? []).flatMap((below) => scansIn(below, catalogue, limits))]
}

/** What is sorted or hashed is read to its end before a limit counts. */
function isLimitedBelow({ 'Node Type': type }: PlanNode, isLimited: boolean): boolean {
  return type === 'Limit' || (isLimited && /Scan|Lock|Nested|Result|Subquery/.test(type))
}

function readsWholeIndex(node: PlanNode, { partial }: Catalogue): boolean {
  const isIndexScan = /^Index (Only )?Scan$/.test(node['Node Type'])
  return isIndexScan && node['Index Cond'] === undefined && !partial.has(node['Index Name'] ?? '')
}
