import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT_CODES } from "../../../bin/commands/exit-codes.ts";
import { FOUND_ROLES, NOBODY_KEPT_OUT } from "../../../lambdas/preflight/find-roles.ts";
import { OUTSIDE_STEPS } from "../../../lambdas/preflight/inspect-outside.ts";
import { inspectRights } from "../../../lambdas/preflight/inspect-rights.ts";
import { WRITTEN } from "../../../lambdas/preflight/inspect-version.ts";
import { ADVICE, VERDICTS } from "../../../lambdas/report/verdict.ts";
import { ownFindings } from "../../../lambdas/shared/aws/rds-findings.ts";
import { missingSettings, restoreRequest } from "../../../lambdas/shared/aws/rds-restore.ts";
import { settingsOf } from "../../../lambdas/shared/aws/rds-settings.ts";
import { END_NAMES, type GateDoc } from "../../../lambdas/shared/documents.ts";
import type { Session } from "../../../lambdas/shared/session.ts";
import { compilePlan } from "../../../lib/plan/compile.ts";
import { phasesShown } from "../../../local/definition.ts";
import { synthesize } from "../../../local/synthesize.ts";
import { memoryPorts } from "../../support/ports.ts";
import { productionInstance } from "../../support/rds-instance.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const RUNBOOK = "docs/operator-runbook.md";
const text = readFileSync(join(ROOT, RUNBOOK), "utf8");

/** The text below each heading, up to the next one of the same rank or a higher one. */
function section(title: string): string {
  const [, body] = text.split(new RegExp(`^## ${title}$`, "m"));
  if (body === undefined) throw new Error(`${RUNBOOK} has no section "${title}"`);
  return body.split(/^## /m)[0] ?? "";
}

const [firstTable = ""] = text.split("\n## ");

describe("the operator's runbook", () => {
  test.each(END_NAMES)("has a section for the end %s, and what people see links there", (end) => {
    expect(section(end)).toMatch(/\*\*Means\.\*\*.*\*\*(Do|At once)\b/s);
    const row = firstTable.split("\n").find((line) => line.includes(`](#${end.toLowerCase()})`));
    expect(row).toContain(VERDICTS[end].title);
    expect(row).toContain(`exit code ${EXIT_CODES[end]}`);
  });

  const KINDS: Record<GateDoc["kind"], true> = {
    readiness: true,
    rehearsal: true,
    after: true,
    open: true,
    keep: true,
    restore: true,
    wave: true,
  };
  test.each(Object.keys(KINDS))("has a section for the gate %s: what it means, look at, do", (kind) => {
    expect(section(`Gate: ${kind}`)).toMatch(/\*\*Means\.\*\*.*\*\*Look at\*\*.*\*\*Do\.\*\*/s);
    expect(firstTable).toContain(`(#gate-${kind})`);
  });

  test("has a place for whatever may be left behind, in the report's words", () => {
    const facts = {
      run: "run-1",
      request: { instance: "INSTANCE" },
      stilled: [],
      plan: { migrations: [] },
    } as unknown as Parameters<NonNullable<(typeof ADVICE)[string]>>[0];
    const said = section("Left behind").replaceAll("...", "");
    for (const advice of Object.values(ADVICE)) {
      const { what } = advice(facts);
      // Instance names differ from run to run; for text after a full stop, the first half is enough.
      const words = what.replace(/sluice-staging-\w+ |\. It costs.*/g, "").replace(/ +/g, " ");
      expect(said.replace(/ +/g, " ")).toContain(`**${words.slice(0, 40)}`);
    }
  });

  test("shows what to do about each instance finding of preflight", async () => {
    const replicas = { ReadReplicaDBInstanceIdentifiers: ["orders-reports"] };
    const { checks } = ownFindings({ ...productionInstance, ...replicas }, {});
    expect(checks.length).toBeGreaterThan(5);
    // And the ones that RDS answers separately.
    const asked = [
      "RDS Proxy",
      "support of the engine",
      "blue/green deployments",
      "quotas of RDS",
      "quota of",
      // Findings of clusters (rds-cluster-findings.ts).
      "copies",
      "custom endpoints",
      "replicas in other clusters and Regions",
      "activity stream",
      "Data API",
    ];
    for (const name of [...checks.map((check) => check.name), ...asked])
      expect(section("Refused")).toContain(`**${name}**`);
  });

  test("shows what to do about each database finding of preflight", () => {
    for (const name of [
      "subscriptions",
      "scheduled jobs",
      "maintenance",
      "replication slots",
      "publications",
      "foreign servers",
      "routines that reach outside",
      "event triggers",
      OUTSIDE_STEPS,
      FOUND_ROLES,
      NOBODY_KEPT_OUT,
      "roles that no fence keeps out",
      "sessions that no fence keeps out",
      "login",
      "schema version",
      "failed versions",
      WRITTEN,
    ])
      expect(section("Refused")).toContain(`**${name}**`);
  });

  test("shows what to do about each finding of preflight about rights", async () => {
    const session = { query: async () => [], exec: async () => undefined } as unknown as Session;
    const checks = await inspectRights(session, memoryPorts());
    expect(checks).toHaveLength(3);
    for (const { name } of checks) expect(section("Refused")).toContain(`**${name}**`);
  });

  test("names only states of a drill that the machine has", async () => {
    const plan = await compilePlan(join(ROOT, "sql/knowledge-graph"));
    const definition = await synthesize(plan, { rehearse: "before" });
    const known = phasesShown(definition, plan).flatMap(({ states }) => states);
    const named = [...text.matchAll(/--fail "([^"]+)"/g)].map(([, state]) => state);
    expect(named.length).toBeGreaterThan(10);
    for (const state of named) expect(known).toContain(state);
  });

  test("restores by hand what the run itself would restore, setting by setting", () => {
    const like = settingsOf(productionInstance);
    expect(inHand("restore.json", like)).toEqual({
      DBInstanceIdentifier: "INSTANCE",
      DBSnapshotIdentifier: "SNAPSHOT",
      ...restoreRequest(like, "production", {}),
      AvailabilityZone: undefined,
    });
    expect(inHand("modify.json", like)).toEqual({
      DBInstanceIdentifier: "INSTANCE",
      ApplyImmediately: true,
      DeletionProtection: true,
      // The restore request includes the exported logs.
      ...missingSettings({ EnabledCloudwatchLogsExports: like.logExports }, like, "production"),
    });
  });
});

/** What jq would make of the settings by the runbook's filter for that file: keys, with paths or literal values. */
function inHand(file: string, settings: object): Record<string, unknown> {
  const filter = new RegExp(String.raw`jq '\.settings \| \{((?:(?!jq ').)*?)\} \| [^|]*> ${file}`, "s").exec(
    text,
  );
  const made: Record<string, unknown> = {};
  for (const [, key, value = ""] of filter?.[1]?.matchAll(/^\s*(\w+): (.+?),?$/gm) ?? [])
    made[key ?? ""] = valueAt(value, settings);
  return made;
}

const SPELLED: Readonly<Record<string, (settings: ReturnType<typeof settingsOf>) => unknown>> = {
  "(if .multiAz then null else .availabilityZone end)": (s) => (s.multiAz ? undefined : s.availabilityZone),
  "(.tags | to_entries | map({Key: .key, Value: .value}))": (s) =>
    Object.entries(s.tags).map(([Key, Value]) => ({ Key, Value })),
  "(if .backupDays > 0 then .backupWindow else null end)": (s) => s.backupWindow,
  "(if .insights then true else null end)": (s) => (s.insights ? true : undefined),
  "(if .managedPassword then true else null end)": (s) => (s.managedPassword ? true : undefined),
};

function valueAt(filter: string, settings: object): unknown {
  const spelled = SPELLED[filter];
  if (spelled) return spelled(settings as ReturnType<typeof settingsOf>);
  if (!filter.startsWith(".")) return JSON.parse(filter);
  let value: unknown = settings;
  for (const key of filter.slice(1).split(".")) value = (value as Record<string, unknown> | undefined)?.[key];
  return value;
}
