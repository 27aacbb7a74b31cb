// What the names of folders say, so that plan.yaml need not.

/** A version, an underscore and a name, in any case: 012_orders, 20261129120000_Add-Orders, 69.1_labels. */
export const MIGRATION_FOLDER = /^[A-Za-z0-9][A-Za-z0-9.-]*_[\w.-]+$/;

/** The version that a migration's folder is named by: all before the first `_`. */
export function versionOf(folder: string): string {
  return folder.slice(0, folder.indexOf("_"));
}

/** A migration's title out of its folder's name: `012_add_orders` is `Add orders`. */
export function titleOf(folder: string): string {
  return inWords(folder.slice(folder.indexOf("_") + 1));
}

/** A title out of a name: `add_Orders-table` is `Add Orders table`. */
export function inWords(name: string): string {
  const words = name.replace(/[_-]+/g, " ").trim();
  return words === "" ? name : `${words[0]?.toUpperCase()}${words.slice(1)}`;
}
