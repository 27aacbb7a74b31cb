/** Event that only keeps a function warm. */
export const PING = { ping: true } as const;

export function isPing(event: unknown): boolean {
  return typeof event === "object" && event !== null && "ping" in event && event.ping === PING.ping;
}
