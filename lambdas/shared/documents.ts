import { backupDocuments } from "./documents/backup.ts";
import { changesDocuments } from "./documents/changes.ts";
import { fenceDocuments } from "./documents/fence.ts";
import { gateDocuments } from "./documents/gate.ts";
import { migrationDocuments } from "./documents/migration.ts";
import { named, type Sight } from "./documents/name.ts";
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

const declared = {
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

const formsOf = (sight: Sight | undefined) =>
  Object.values(declared).flatMap((one) => (one.sight === sight ? [one.form] : []));

const matching = (forms: readonly string[]) =>
  new RegExp(`^(?:${forms.map((form) => form.replaceAll(".", "[.]").replaceAll("*", "[^/]+")).join("|")})$`);

/** Files of secrets; each `*` stands for a whole folder or file, rather one too many than one too few. */
export const SECRET_FILES: readonly string[] = formsOf("secret").map(
  (form) => `${form.replace(/[^/]*\*[^/]*/g, "*")}.json`,
);

const SECRET = matching(SECRET_FILES);
const SHOWN = matching(formsOf("shown"));
const NOT_SHOWN = matching(formsOf(undefined));

/** True for the file of a secret document. */
export function isSecret(file: string): boolean {
  return SECRET.test(file);
}

/** True for the name of a document whose content a report may show. An undeclared document is not shown. */
export function isShown(name: string): boolean {
  return SHOWN.test(name) && !NOT_SHOWN.test(name) && !isSecret(`${name}.json`);
}
