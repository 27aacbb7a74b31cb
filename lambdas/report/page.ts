import type { Report } from "./schema.ts";
export function renderReport(report: Report): string {
  return report.run;
}
