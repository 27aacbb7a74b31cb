import type { StorageWork } from "./ports.ts";

/** Such as `Initializing, 37 %`. */
export function storageText({ doing, percent }: StorageWork): string {
  return `${doing}${percent === undefined ? "" : `, ${percent} %`}`;
}
