/** How production is brought back, as the machine is told. */
export type WayBack = "rollback" | "restore";

export const ONLY_RESTORE: WayBack = "restore";

/** What becomes of staging once every migration was rehearsed, as the machine is told. */
export type Restored = "again" | "not needed";

/** Each migration has a rollback, or nothing may be restored. */
export const NOT_NEEDED: Restored = "not needed";
