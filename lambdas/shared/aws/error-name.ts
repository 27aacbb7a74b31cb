/**
 * Returns the service's name for an error, without `Fault` or `Exception` at the end. SDK clients use the class name for
 * modelled errors and the service's code for others, so the same error may or may not have that ending.
 */
export function awsErrorName(error: unknown): string {
  return error instanceof Error ? error.name.replace(/(Fault|Exception)$/, "") : "";
}
