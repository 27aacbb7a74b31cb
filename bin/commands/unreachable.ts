/** Of a connection that was not made: the network's codes, and PostgreSQL's for who and where. */
const CODES = new Set([
  ...["ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT"],
  ...["28000", "28P01", "3D000"],
]);

/** Whether a run could not start since its database let nobody in: the URL is wrong, and Sluice is not. */
export function isUnreachable(error: unknown): error is Error {
  return error instanceof Error && "code" in error && CODES.has(String(error.code));
}
