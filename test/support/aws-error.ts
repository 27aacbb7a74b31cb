/** An error as an SDK client throws it. */
export function awsError(
  name: string,
  options: { message?: string; fault?: "client" | "server" } = {},
): Error {
  return Object.assign(new Error(options.message ?? `${name} happened`), {
    name,
    $fault: options.fault ?? "client",
    $metadata: { httpStatusCode: options.fault === "server" ? 500 : 400 },
  });
}
