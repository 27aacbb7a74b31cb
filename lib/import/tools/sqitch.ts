import { createHash } from "node:crypto";
import type { Finding, ImportedFolder, ImportedMigration } from "../imported.ts";
import { ImportError, type SourceFolder, textOf } from "../source.ts";
import { back, whole, wordsOf } from "./common.ts";

interface Change {
  name: string;
  line: number;
  requires: string[];
  conflicts: string[];
  planned_at: string;
  planner_name: string;
  planner_email: string;
  note: string;
  id: string;
  tags: Tag[];
}

interface Tag {
  tag: string;
  tag_id: string;
  note: string;
  planned_at: string;
  planner_name: string;
  planner_email: string;
}

interface SqitchPlan {
  file: string;
  project: string;
  changes: Change[];
  refusals: Finding[];
}

/** Sqitch: sqitch.plan lists the changes; deploy/, revert/ and verify/ hold their scripts, which psql runs. */
export function readSqitch(folder: SourceFolder): ImportedFolder {
  const notes: Finding[] = [];
  const plan = readPlan(folder);
  const { refusals } = plan;
  const top = topOf(folder);
  const migrations = plan.changes.map((change, index): ImportedMigration => {
    const { name, line, requires, conflicts, id, tags, note, planned_at, planner_name, planner_email } =
      change;
    // A change whose name occurs again is reworked: the former one's files carry the tag in their names.
    const again = plan.changes.findIndex((other, at) => at > index && other.name === name);
    const tag = again < 0 ? "" : (plan.changes.slice(index, again).flatMap((one) => one.tags)[0]?.tag ?? "");
    const script = (kind: string) => `${top}${kind}/${name}${tag}.sql`;
    const has = (kind: string) => folder.paths.includes(script(kind));
    const deploy = script("deploy");
    const doubts: Finding[] = [];
    if (!has("deploy"))
      doubts.push({ file: plan.file, line, says: `names ${name}, but there is no ${deploy}` });
    const up = has("deploy")
      ? { ...whole(folder, deploy, notes), runs: "statements" as const }
      : { file: deploy, line: 1, text: "", runs: "statements" as const };
    const revert = script("revert");
    const down = back(folder, has("revert") ? revert : undefined, `there is no ${revert}`, notes);
    const verify = script("verify");
    const files = [deploy, revert, verify].filter((path) => folder.paths.includes(path));
    const required = requires.flatMap((dependency) => {
      const found = requiredBy(plan.changes.slice(0, index), dependency);
      return found === undefined ? [] : [[dependency, found.id] as const];
    });
    if (required.length < requires.length)
      notes.push({
        file: plan.file,
        line,
        says: `${name} requires a change of another project, whose row is not written: ${requires.join(", ")}`,
      });
    return {
      version: `${name}${tag}`,
      aliases: [...tags.map(({ tag: one }) => one), id],
      name: wordsOf(name),
      files,
      up,
      down: "none" in down ? down : { ...down, runs: "statements" },
      ...(has("verify") ? { verify: { ...whole(folder, verify, notes), runs: "statements" as const } } : {}),
      row: {
        project: plan.project,
        change: name,
        change_id: id,
        script_hash: has("deploy") ? createHash("sha1").update(folder.bytes(deploy)).digest("hex") : null,
        note,
        planned_at,
        planner_name,
        planner_email,
        ...(required.length > 0 ? { requires: Object.fromEntries(required) } : {}),
        ...(conflicts.length > 0 ? { conflicts } : {}),
        ...(tags.length > 0 ? { tags } : {}),
      },
      standing: name,
      doubts,
    };
  });
  return { tool: "sqitch", migrations, notes, refusals };
}

/** Resolves `name`, or `name@tag` for its state at that tag. Undefined if it belongs to another project. */
function requiredBy(before: readonly Change[], dependency: string): Change | undefined {
  const [name, tag] = dependency.replace(/^:/, "").split("@");
  const tagged = before.findIndex(({ tags }) => tags.some((one) => one.tag === `@${tag}`));
  return before.slice(0, tag === undefined ? before.length : tagged + 1).findLast((one) => one.name === name);
}

function planFile(folder: SourceFolder): string {
  const found = folder.paths.find((path) => path === "sqitch.plan" || path.endsWith("/sqitch.plan"));
  if (found === undefined) throw new ImportError(`There is no sqitch.plan in ${folder.root}.`);
  return found;
}

/** The scripts' folder, ending with `/`: the plan's own, unless sqitch.conf has another. */
function topOf(folder: SourceFolder): string {
  const beside = planFile(folder).replace(/[^/]*$/, "");
  if (!folder.paths.includes("sqitch.conf")) return beside;
  const top = /^\s*top_dir\s*=\s*(\S+)/m.exec(textOf(folder, "sqitch.conf").text)?.[1]?.replace(/^\.\//, "");
  return top === undefined || top === "." ? beside : `${top.replace(/\/$/, "")}/`;
}

const STAMP = /\s(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\s+(.*?)\s+<([^<>]*)>\s*(?:#\s*(.*))?$/;

function readPlan(folder: SourceFolder): SqitchPlan {
  const file = planFile(folder);
  const refusals: Finding[] = [];
  const changes: Change[] = [];
  let project = "";
  let uri: string | undefined;
  for (const [index, raw] of textOf(folder, file).text.split("\n").entries()) {
    const line = index + 1;
    const text = raw.trim();
    if (text === "" || text.startsWith("#")) continue;
    const [, pragma, value = ""] = /^%\s*([\w-]+)\s*=\s*(.*)$/.exec(text) ?? [];
    if (pragma !== undefined) {
      if (pragma === "project") project = value;
      if (pragma === "uri") uri = value;
      continue;
    }
    const [stamp, planned_at = "", planner_name = "", planner_email = "", written = ""] =
      STAMP.exec(text) ?? [];
    if (stamp === undefined) {
      refusals.push({ file, line, says: `is neither a change nor a tag of Sqitch: ${text}` });
      continue;
    }
    const words = text.slice(0, text.length - stamp.length).trim();
    const note = written.replace(/\\n/g, "\n").replace(/\\r/g, "\r").replace(/\\\\/g, "\\");
    const planned = { planned_at, planner_name, planner_email, note };
    if (words.startsWith("@")) {
      const change = changes.at(-1);
      if (!change) refusals.push({ file, line, says: "is a tag before the first change" });
      else
        change.tags.push({ tag: words, tag_id: tagId(project, uri, words, change.id, planned), ...planned });
      continue;
    }
    const [, name = words, dependencies = ""] = /^(\S+)(?:\s+\[(.*)\])?$/.exec(words) ?? [];
    const all = dependencies.split(/\s+/).filter((one) => one !== "");
    const requires = all.filter((one) => !one.startsWith("!"));
    const conflicts = all.filter((one) => one.startsWith("!")).map((one) => one.slice(1));
    const id = changeId(project, uri, name, changes.at(-1)?.id, requires, conflicts, planned);
    changes.push({ name, line, requires, conflicts, ...planned, id, tags: [] });
  }
  if (project === "") refusals.push({ file, says: "has no line %project=NAME" });
  return { file, project, changes, refusals };
}

type Planned = Omit<Tag, "tag" | "tag_id">;

/** Sqitch's id of a change: a hash of its entry in the plan and of all before it, like an object's id in git. */
function changeId(
  project: string,
  uri: string | undefined,
  name: string,
  parent: string | undefined,
  requires: readonly string[],
  conflicts: readonly string[],
  planned: Planned,
): string {
  return objectId("change", [
    `project ${project}`,
    ...(uri === undefined ? [] : [`uri ${uri}`]),
    `change ${name}`,
    ...(parent === undefined ? [] : [`parent ${parent}`]),
    ...whoAndWhen(planned),
    ...(requires.length > 0 ? ["requires", ...requires.map((one) => `  + ${one}`)] : []),
    ...(conflicts.length > 0 ? ["conflicts", ...conflicts.map((one) => `  - ${one}`)] : []),
    ...noted(planned),
  ]);
}

function tagId(
  project: string,
  uri: string | undefined,
  tag: string,
  change: string,
  planned: Planned,
): string {
  return objectId("tag", [
    `project ${project}`,
    ...(uri === undefined ? [] : [`uri ${uri}`]),
    `tag ${tag}`,
    `change ${change}`,
    ...whoAndWhen(planned),
    ...noted(planned),
  ]);
}

function whoAndWhen({ planner_name, planner_email, planned_at }: Planned): string[] {
  return [`planner ${planner_name} <${planner_email}>`, `date ${planned_at}`];
}

function noted({ note }: Planned): string[] {
  return note === "" ? [] : ["", note];
}

function objectId(kind: string, info: readonly string[]): string {
  const text = info.join("\n");
  return createHash("sha1")
    .update(`${kind} ${Buffer.byteLength(text)}\0${text}`)
    .digest("hex");
}
