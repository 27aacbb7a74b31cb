/** How production is brought back: the state machine chooses by it. */
export type WayBack = "rollback" | "restore";

export const ONLY_RESTORE: WayBack = "restore";
