/** What the work says as it refuses; `nothing was refused` where it does not. */
export function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return "nothing was refused";
}
