/** What a function is called with only to be warm when it is needed. */
export const PING = { ping: true } as const;

export function isPing(event: unknown): boolean {
  return typeof event === "object" && event !== null && "ping" in event && event.ping === PING.ping;
}
