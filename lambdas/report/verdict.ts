import type { Report } from "./schema.ts";

/** Each end in words that say what it means for production. */
export const VERDICTS: Readonly<Record<Report["end"], { title: string; meaning: string }>> = {
  running: { title: "Still running", meaning: "This is how things stand so far." },
  Succeeded: { title: "Succeeded", meaning: "The migration is on production, and the application is in." },
  Refused: { title: "Refused", meaning: "Nothing was migrated. Production is as it was." },
  RolledBack: { title: "Rolled back", meaning: "Production is back, and proven to be what it was." },
  Restored: {
    title: "Restored from the snapshot",
    meaning: "Production is back from its snapshot, and proven to be what was in it.",
  },
  NeedsOperator: {
    title: "An operator is needed now",
    meaning: "Production is not proven back. Nobody but a person can mend this.",
  },
};
