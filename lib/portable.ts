import { sep } from "node:path";

/** A path with `/`, for texts that people and machines of any system read. */
export function portable(path: string, separator: string = sep): string {
  return path.split(separator).join("/");
}
