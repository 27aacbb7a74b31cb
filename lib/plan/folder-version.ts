/** The version that a migration's folder is named by: all before the first `_`. */
export function versionOf(folder: string): string {
  return folder.slice(0, folder.indexOf("_"));
}
