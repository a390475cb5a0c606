/** The rows of what is printed. */
export function row(first: string, ...cells: readonly string[]): string {
  return first.padEnd(26) + cells.map((cell) => cell.padStart(12)).join('')
}

export function ratio(a: number, b: number): string {
  return `${(a / b).toFixed(2)} times`
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
