import { readFileSync } from "node:fs";
import { join } from "node:path";

const SOURCE = join(import.meta.dirname, "../../lib/sluice.ts");

/** A member with its doc comment: a comment of one or several lines, and one line of type. */
const MEMBER =
  /\/\*\*(?<says>(?:(?!\*\/)[\s\S])*)\*\/\s+readonly (?<name>\w+)(?<optional>\?)?: (?<type>(?:[^;{<]|<[^>]*>|\{[^}]*\})+);/g;

/** Returns the construct's properties and members as Markdown tables, from its types. */
export function constructText(): string {
  const source = readFileSync(SOURCE, "utf8");
  return [
    table("property", membersOf(source, "export interface SluiceProps {")),
    "",
    table("it has", membersOf(source, "export class Sluice extends Construct {")),
    "",
  ].join("\n");
}

interface Member {
  name: string;
  type: string;
  says: string;
}

/** @throws Error if the source lacks that type, or the type has no members */
function membersOf(source: string, opening: string): Member[] {
  const from = source.indexOf(opening);
  const to = source.indexOf("\n}", from);
  const found = [...source.slice(from, to).matchAll(MEMBER)].map(({ groups = {} }) => ({
    name: `${groups.name}${groups.optional ?? ""}`,
    type: words(groups.type),
    says: words(groups.says?.replace(/^\s*\*/gm, "")),
  }));
  if (from === -1 || found.length === 0) throw new Error(`lib/sluice.ts has no members after: ${opening}`);
  return found;
}

const words = (text = "") => text.trim().replace(/\s+/g, " ");

function table(what: string, members: readonly Member[]): string {
  const rows = members.map(
    ({ name, type, says }) => `| \`${name}\` | \`${type.replaceAll("|", "\\|")}\` | ${says} |`,
  );
  return [`| ${what} | type | |`, "|---|---|---|", ...rows].join("\n");
}
