/** All walks, or a sample of them: see the projects in vitest.config.ts. */
export const WHOLE = process.env.SLUICE_MATRIX === "whole";

/** Counts walks by how they ended, and prints it. */
export function tally(name: string) {
  const ends = new Map<string, number>();
  return {
    add(end: string): void {
      ends.set(end, (ends.get(end) ?? 0) + 1);
    },
    print(): void {
      const total = [...ends.values()].reduce((sum, n) => sum + n, 0);
      const each = [...ends].sort().map(([end, n]) => `${end} ${n}`);
      process.stdout.write(
        `failure matrix, ${name}: ${total} walks${WHOLE ? "" : " (a sample)"}: ${each.join(", ")}\n`,
      );
    },
  };
}
