import { Doc, docName, END_NAMES, type GateDecisionDoc } from "../../../lambdas/shared/documents.ts";
import { evidenceOf, type RunEvidence } from "../../../lambdas/shared/evidence.ts";
import { asidePrefix, momentName, STAGING_PREFIX, snapshotPrefix } from "../../../lambdas/shared/names.ts";
import { migrationOf } from "../../../lambdas/shared/plan.ts";
import { PRODUCTION, type Sight } from "./environment.ts";
import { faultText } from "./faults.ts";
import { ALARM, RUN, type Walked } from "./walk.ts";

/** Returns the promises that a walk broke, and how; empty when it kept all. `before` is production before the run. */
export async function brokenPromises(walked: Walked, before: Sight): Promise<string[]> {
  const evidence = evidenceOf(walked.evidence, RUN);
  return [
    ...ends(walked),
    ...(await isBack(walked, before, evidence)),
    ...(await leftBehind(walked, before)),
    ...(await kept(walked, evidence)),
    ...told(walked),
    ...(await people(walked, evidence)),
    ...secrets(walked),
  ];
}

/** 2: exactly five ends, each with a cause that a person can act on. */
function ends({ end, cause, outcome }: Walked): string[] {
  if (!END_NAMES.some((name) => name === end)) return [`it ended as ${end}`];
  if (end === "Succeeded") return [];
  if (!outcome) return cause === "" ? ["the end shows no cause"] : [];
  return cause.startsWith(`${end}: `) && cause.length > end.length + 20 ? [] : [`the cause is "${cause}"`];
}

/** 3: back means proven back. Refused means that nothing was migrated. */
async function isBack(
  { end, calls, environment }: Walked,
  before: Sight,
  evidence: RunEvidence,
): Promise<string[]> {
  if (end === "NeedsOperator") return [];
  const now = await environment.look();
  if (end === "Succeeded")
    return now.contents === before.contents ? ["Succeeded, and nothing was migrated"] : [];
  const broken = now.contents === before.contents ? [] : [`${end}, and production is not what it was`];
  if (end === "Refused")
    return [
      ...broken,
      ...calls
        .filter((state) => /^Apply .* to production$/.test(state))
        .map((state) => `Refused after "${state}"`),
    ];
  const name = end === "RolledBack" ? "production-rolled-back" : "production-restored";
  const proof = await evidence.read(Doc.proof(name));
  return proof?.equal ? broken : [...broken, `${end} without a proof`];
}

/** Returns the clean-up that a run could not do, as the state failed finally: the run must report it. */
function unfinished({ faults, outcome, notices }: Walked, state: string, says: RegExp): boolean {
  const failed = faults.some(
    (fault) => fault.state === state && fault.kind === "error" && fault.tries === "every",
  );
  if (!failed) return false;
  // Where the outcome could not be noted either, the message asks people to look at the run.
  return outcome
    ? outcome.leftBehind.some((line) => says.test(line))
    : notices.some(({ text }) => text.includes("its report could not be written"));
}

/** 4: staging gone, fence lifted, alarms on, lock released, on every path. */
async function leftBehind(walked: Walked, before: Sight): Promise<string[]> {
  const { end, environment, evidence, alarmsOn, outcome } = walked;
  const excused = (state: string, says: RegExp) => unfinished(walked, state, says);
  const broken: string[] = [];
  const ours = [STAGING_PREFIX, snapshotPrefix("rehearsal"), momentName(RUN, "rehearsal")];
  const still = [...environment.instanceNames(), ...environment.snapshots()].filter((id) =>
    ours.some((p) => id.startsWith(p)),
  );
  if (still.length > 0 && !excused("Delete staging", /^The staging instance/))
    broken.push(`left: ${still.join(", ")}`);
  const { access, claims } = await environment.look();
  const fence =
    excused("Leave no fence", /^The fence may still/) ||
    // An instance that did not start cannot be opened, and the run reports it.
    outcome?.leftBehind.some((line) => line.startsWith("What was being restored"));
  if (access !== before.access && !fence) broken.push(`access is ${access}`);
  if (claims.length > 0 && !fence) broken.push(`${claims} still has the database`);
  if ([...alarmsOn].join() !== ALARM && !excused("Leave no alarm silenced", /^Alarms may/))
    broken.push(`alarms on: ${[...alarmsOn].join() || "none"}`);
  const lease = await evidence.readLease(PRODUCTION);
  if (lease?.holder && !excused("Release the run lock", /^The lease/))
    broken.push("the lock is not released");
  if (
    end !== "NeedsOperator" &&
    !environment.applicationRuns() &&
    !excused("Leave the application running", /^The application may/)
  )
    broken.push("the application is stopped");
  const names = environment.instanceNames().filter((id) => id !== PRODUCTION);
  if (names.some((id) => !ours.some((p) => id.startsWith(p)) && !id.startsWith(asidePrefix(PRODUCTION))))
    broken.push(`instances: ${names.join(", ")}`);
  return broken;
}

/** Nothing that people may need is deleted: the restore's source, and the former production. */
async function kept({ end, environment }: Walked, evidence: RunEvidence): Promise<string[]> {
  const taken = end !== "Refused" && (await evidence.read(Doc.snapshot("final")));
  const snapshot = environment.snapshots().some((id) => id.startsWith(snapshotPrefix("final")));
  const former = environment.instanceNames().some((id) => id.startsWith(asidePrefix(PRODUCTION)));
  const moved = await evidence.read(Doc.movedAside);
  const held = end !== "Refused" && (await evidence.read(Doc.momentHeld("final")));
  const moment = environment.snapshots().includes(momentName(RUN, "final"));
  return [
    ...(held && !moment ? ["the moment to restore to is gone"] : []),
    ...(taken && !snapshot ? ["the final snapshot is gone"] : []),
    ...(moved && !former ? ["the former production is gone"] : []),
  ];
}

/** 4: people receive a message; where they must act at once, the escalation contacts too. */
function told({ end, faults, notices }: Walked): string[] {
  if (faults.some(({ state }) => state === "Tell everyone")) return [];
  const last = notices.filter(({ text }) => !text.includes("https://gates.example.com/gates/"));
  const heard = (audience: string) => last.some((notice) => notice.audience === audience);
  return [
    ...(heard("approvers") ? [] : ["the approvers got no message of how it ended"]),
    ...(end === "NeedsOperator" && !heard("escalation") ? ["nobody was called for help"] : []),
  ];
}

/** 5: production is touched, opened and restored only after a Go at the gate for each. */
async function people({ plan, calls }: Walked, evidence: RunEvidence): Promise<string[]> {
  const applied = calls.flatMap((state) => /^Apply (\d+) to production$/.exec(state)?.[1] ?? []);
  const versions = [...new Set(applied)];
  const needed = [
    ...(versions.length > 0 ? ["readiness", "rehearsal"] : []),
    ...versions
      .slice(0, -1)
      .flatMap((version) => (migrationOf(plan, version).unasked ? [] : [`after-${version}`])),
    ...(calls.includes("Lift the fence") ? ["open"] : []),
    ...(calls.includes("Move production aside") ? ["restore"] : []),
  ];
  const broken: string[] = [];
  for (const gate of needed) {
    const attempts = (await evidence.list(`gates/${gate}-`)).filter((name) => name.endsWith("/decision"));
    const decisions = await Promise.all(
      attempts.map((name) => evidence.require(docName<GateDecisionDoc>(name))),
    );
    if (!decisions.some(({ decision, by }) => decision === "Go" && by === "an approver"))
      broken.push(`it continued past gate ${gate} without a Go`);
  }
  return broken;
}

/** 7: no task token and no key in any state, in the evidence, or in messages, except in the link itself. */
function secrets({ secrets, passed, evidence, notices, cause }: Walked): string[] {
  const places: [string, string][] = [
    ["a state", passed.join("\n")],
    ["the cause", cause],
    [
      "the evidence",
      [...evidence.files].flatMap(([key, body]) => (/\/token\.json$/.test(key) ? [] : body)).join("\n"),
    ],
    ["a message", notices.map(({ text }) => text.replace(/key=[\w-]+/g, "")).join("\n")],
  ];
  return places.flatMap(([place, text]) =>
    secrets.some((secret) => secret !== "" && text.includes(secret)) ? [`a secret is in ${place}`] : [],
  );
}

/** Describes a walk, for readers of a broken promise. */
export function walkText({ faults, end, calls }: Walked): string {
  return `${faults.map(faultText).join(" + ") || "nothing fails"} -> ${end} (${calls.slice(-12).join(" > ")})`;
}
