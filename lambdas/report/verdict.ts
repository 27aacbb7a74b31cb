import type { End } from "../shared/documents.ts";
import type { Report } from "./schema.ts";

/** Each end in words that say what it means for production. */
export const VERDICTS: Readonly<Record<Report["end"], { title: string; meaning: string }>> = {
  running: { title: "Still running", meaning: "This is how things stand so far." },
  Succeeded: { title: "Succeeded", meaning: "The migration is on production, and the application is in." },
  Refused: { title: "Refused", meaning: "Nothing was migrated. Production is as it was." },
  RolledBack: { title: "Rolled back", meaning: "Production is back, and proven to be what it was." },
  Restored: {
    title: "Restored from the backup",
    meaning: "Production is back from its backup, and proven to be what was in it.",
  },
  NeedsOperator: {
    title: "An operator is needed now",
    meaning: "Production is not proven back. Nobody but a person can mend this.",
  },
};

/** What an end means where copies stood for production. */
const ON_COPIES: Readonly<Record<End, string>> = {
  Succeeded: "The migration went through on the copy that stood for production.",
  Refused: "Nothing was migrated.",
  RolledBack: "The copy that stood for production was brought back, and proven to be what it was.",
  Restored:
    "The copy that stood for production was brought back from its backup, and proven to be what was in it.",
  NeedsOperator:
    "The copy that stood for production was not proven back: a real one would need a person now.",
};

/** What copies were made of, where copies stood for production. */
export function scopeOf(copyOf: string | null): string {
  return copyOf === null
    ? "Rehearsed on embedded databases; no other was touched."
    : `Rehearsed on copies; ${copyOf} was only read.`;
}

/** The end of this run in words. Of a rehearsal, where copies stood for production, it says so first of all. */
export function verdictOf({ end, request }: Pick<Report, "end" | "request">): {
  title: string;
  meaning: string;
} {
  const copyOf = request?.copyOf;
  if (copyOf === undefined || end === "running") return VERDICTS[end];
  const title = end === "NeedsOperator" ? "The way back failed" : VERDICTS[end].title;
  return { title: `${title} (rehearsal)`, meaning: `${scopeOf(copyOf)} ${ON_COPIES[end]}` };
}
