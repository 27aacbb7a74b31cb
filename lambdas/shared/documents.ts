import { backupDocuments } from "./documents/backup.ts";
import { changesDocuments } from "./documents/changes.ts";
import { fenceDocuments } from "./documents/fence.ts";
import { gateDocuments } from "./documents/gate.ts";
import { migrationDocuments } from "./documents/migration.ts";
import { named } from "./documents/name.ts";
import { recordDocuments } from "./documents/record.ts";
import { runDocuments } from "./documents/run.ts";
import { stagingDocuments } from "./documents/staging.ts";
import { watchDocuments } from "./documents/watch.ts";
import { wayBackDocuments } from "./documents/way-back.ts";
import { writesDocuments } from "./documents/writes.ts";

export * from "./documents/backup.ts";
export * from "./documents/changes.ts";
export * from "./documents/fence.ts";
export * from "./documents/gate.ts";
export * from "./documents/migration.ts";
export { type DocumentName, type DocumentOf, docName, type TimeDoc } from "./documents/name.ts";
export * from "./documents/record.ts";
export * from "./documents/run.ts";
export * from "./documents/staging.ts";
export * from "./documents/watch.ts";
export * from "./documents/way-back.ts";
export * from "./documents/writes.ts";

export const declared = {
  ...runDocuments,
  ...backupDocuments,
  ...fenceDocuments,
  ...recordDocuments,
  ...writesDocuments,
  ...changesDocuments,
  ...stagingDocuments,
  ...migrationDocuments,
  ...gateDocuments,
  ...wayBackDocuments,
  ...watchDocuments,
} as const;

/**
 * The documents of a run's evidence, by name, each with the type of its content (evidence.ts). Times are ISO 8601 in
 * UTC, durations are seconds. Writers and readers take names and shapes from here.
 */
export const Doc = named(declared);
