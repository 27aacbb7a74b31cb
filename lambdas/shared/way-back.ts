/** The way back of production. The state machine branches on it. */
export type WayBack = "rollback" | "restore";

export const ONLY_RESTORE: WayBack = "restore";
