import type { Sight } from "./documents/name.ts";
import { declared } from "./documents.ts";

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
