// What folder names state, so that plan.yaml need not.

/** A version, an underscore and a name, in any case: 012_orders, 20261129120000_Add-Orders, 69.1_labels. */
export const MIGRATION_FOLDER = /^[A-Za-z0-9][A-Za-z0-9.-]*_[\w.-]+$/;

/** The version in a migration folder's name: everything before the first `_`. */
export function versionOf(folder: string): string {
  return folder.slice(0, folder.indexOf("_"));
}

/** The title in a migration folder's name: `012_add_orders` becomes `Add orders`. */
export function titleOf(folder: string): string {
  return inWords(folder.slice(folder.indexOf("_") + 1));
}

/** A title made of a name: `add_Orders-table` becomes `Add Orders table`. */
export function inWords(name: string): string {
  const words = name.replace(/[_-]+/g, " ").trim();
  return words === "" ? name : `${words[0]?.toUpperCase()}${words.slice(1)}`;
}
