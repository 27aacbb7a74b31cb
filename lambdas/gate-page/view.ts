import type { Report } from "../report/schema.ts";
import type { GateDoc } from "../shared/documents.ts";
import type { RunSettings } from "../shared/settings.ts";

/** What the page of an open gate is made of. */
export interface GateView {
  doc: GateDoc;
  report: Report;
  settings: RunSettings;
  /** Leaves out what was measured: the whole of it is more than an answer can hold. */
  brief?: boolean;
}
