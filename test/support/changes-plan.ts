/** A plan with one migration of each kind that changes data, and the gate's text about each. */
export const CHANGES_PLAN = new URL("../plans/changes", import.meta.url).pathname;

export const CHANGES_WORDS: Record<string, string> = {
  "002": "adds 1 row to role_kind",
  "003": "changes account.email in 3,000 of 3,000 rows, adds table account_as_typed",
  "004": "removes 364 of 2,000 rows from visit, adds table old_visit",
  "005": "changes account.nickname in 2,000 of 3,000 rows",
  "006": "drops account.status, adds table account_status",
  "007": "renames account.nickname to handle",
  "008": "renames account to member",
  "009": "renames visit to visit_first and makes it a partition of visit, adds table visit_later",
};
