/** How production is brought back, as the machine is told. */
export type WayBack = "rollback" | "restore";

export const ONLY_RESTORE: WayBack = "restore";
