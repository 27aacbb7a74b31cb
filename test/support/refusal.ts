/** Returns the message of the work's refusal; `nothing was refused` without one. */
export function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return "nothing was refused";
}
