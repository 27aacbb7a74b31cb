import { type Html, html } from "../../shared/html.ts";
import { bytes, duration, moment, sentence } from "../../shared/text.ts";
import type { Report } from "../schema.ts";
import { momentLines, restoredFrom } from "../way-back.ts";
import { bullets, mark, section, table } from "./parts.ts";

/** Returns the details to look up, each under its own title, closed. */
export function appendixSection(report: Report): Html {
  return section(
    "details",
    "Details",
    failures(report),
    preflight(report),
    backup(report),
    snapshots(report),
    hooks(report),
    afterOpening(report),
    fence(report),
  );
}

function failures({ failures }: Report): Html | false {
  if (failures.length === 0) return false;
  return html`<details><summary>All failures (${failures.length}), including those that a retry fixed</summary>${table(
    "Failures",
    [
      { head: "State", cell: ({ state }) => state },
      { head: "When", cell: ({ at }) => moment(at) },
      { head: "What", cell: ({ error, message }) => html`<strong>${error}</strong> ${message}` },
    ],
    failures,
  )}</details>`;
}

function preflight({ preflight }: Report): Html | false {
  if (!preflight) return false;
  const { checks } = preflight;
  const passed = checks.filter(({ passed }) => passed).length;
  const order = [...checks].sort((a, b) => rank(a.passed) - rank(b.passed));
  return html`<details><summary>Preflight: ${passed} of ${checks.length} passed</summary>${table(
    "Preflight",
    [
      { head: "Check", cell: ({ name }) => name },
      {
        head: "Result",
        plain: true,
        cell: ({ passed }) => mark(passed, { yes: "Passed", no: "Failed", unknown: "For you to check" }),
      },
      { head: "Expected", cell: ({ expected }) => expected },
      { head: "Seen", cell: ({ seen }) => seen },
      { head: "How to fix it", cell: ({ passed, mend }) => (passed ? "" : mend) },
    ],
    order,
  )}</details>`;
}

function rank(passed: boolean | null): number {
  return passed === false ? 0 : passed === null ? 1 : 2;
}

const PURPOSES = { final: "a restore", rehearsal: "the rehearsal", kept: "keeping" } as const;

function backup({ backup }: Report): Html | false {
  if (!backup) return false;
  const lines = momentLines(backup);
  return html`<details><summary>Backup: ${backup.by === "snapshot" ? "a snapshot" : "to the moment"}</summary><p>${sentence(backup.why.join("; "))}</p>${lines.length > 0 && bullets(lines)}</details>`;
}

function snapshots({ snapshots, restore }: Report): Html | false {
  if (snapshots.length === 0) return false;
  return html`<details><summary>Snapshots (${snapshots.length})</summary>${table(
    "Snapshots",
    [
      { head: "For", cell: ({ purpose }) => PURPOSES[purpose] },
      { head: "Snapshot", cell: ({ id }) => html`<code>${id}</code>` },
      { head: "Of", cell: ({ instance }) => instance },
      { head: "Complete", cell: ({ at }) => moment(at) },
      {
        head: "Size",
        number: true,
        cell: ({ sizeBytes }) => (sizeBytes === null ? "not known" : bytes(sizeBytes)),
      },
      {
        head: "Encrypted",
        cell: ({ encrypted }) => (encrypted === null ? "not known" : encrypted ? "yes" : "no"),
      },
      { head: "Kept until", cell: ({ keepUntil }) => keepUntil ?? "the end of the rehearsal" },
      {
        head: "Copies started",
        cell: ({ copies }) =>
          copies.length === 0
            ? "none"
            : bullets(copies.map(({ kind, where, id }) => `${kind} to ${where}: ${id}`)),
      },
    ],
    snapshots,
  )}${restore && html`<p>Production was restored ${restoredFrom(restore)}; the former instance is <code>${restore.aside}</code>.</p>`}</details>`;
}

function hooks({ hooks }: Report): Html | false {
  if (hooks.length === 0) return false;
  const rows = hooks.flatMap(({ name, at, results }) => results.map((result) => ({ name, at, ...result })));
  return html`<details><summary>Application hooks: stop, start, test</summary>${table(
    "Hooks",
    [
      { head: "Hook", cell: ({ name }) => name },
      { head: "What", cell: ({ title }) => title },
      {
        head: "Result",
        plain: true,
        cell: ({ passed }) => mark(passed, { yes: "Passed", no: "Failed", unknown: "Not known" }),
      },
      { head: "Expected", cell: ({ expected }) => expected },
      { head: "Seen", cell: ({ seen }) => seen },
      { head: "When", cell: ({ at }) => moment(at) },
    ],
    rows,
  )}</details>`;
}

function afterOpening({ afterOpening }: Report): Html | false {
  if (afterOpening.length === 0) return false;
  return html`<details><summary>After the opening</summary>${table(
    "After the opening",
    [
      { head: "What", cell: ({ title }) => title },
      {
        head: "Result",
        plain: true,
        cell: ({ passed }) => mark(passed, { yes: "Done", no: "Failed", unknown: "" }),
      },
      { head: "Took", number: true, cell: ({ seconds }) => duration(seconds) },
      { head: "Message", cell: ({ message }) => message },
    ],
    afterOpening,
  )}</details>`;
}

function fence({ fence }: Report): Html | false {
  if (!fence) return false;
  if (fence.mode === "none")
    return html`<details><summary>Fence: none</summary><p>The application could write all the time.</p></details>`;
  return html`<details><summary>Fence: ${fence.liftedAt === null ? "still up" : "set and lifted again"}</summary><p>Kept out: ${fence.roles.join(", ")}. From ${moment(fence.at)}${
    fence.liftedAt && ` to ${moment(fence.liftedAt)}`
  }.</p></details>`;
}
