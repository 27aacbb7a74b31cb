/**
 * What a service calls the error. SDK clients give modelled errors their class's name and others the service's own
 * code, so one and the same may end in `Fault` or `Exception`, or not: the ending is dropped.
 */
export function awsErrorName(error: unknown): string {
  return error instanceof Error ? error.name.replace(/(Fault|Exception)$/, "") : "";
}
