import { describe, expect, test } from "vitest";
import type { End } from "../../../lambdas/shared/documents.ts";
import { endText, shortEndText } from "../../../local/terminal/end-text.ts";
import { gateText } from "../../../local/terminal/gate-text.ts";
import { leftText } from "../../../local/terminal/left-text.ts";
import { paintFor, plain } from "../../../local/terminal/paint.ts";
import { wrap } from "../../../local/terminal/wrap.ts";
import { EVIDENCE, endOf, FakeGate, LINK } from "./fake-run.ts";

describe("a gate at the terminal", () => {
  test("shows the question, the facts so far, the checklist, what each answer leads to, and the link", () => {
    const text = gateText(new FakeGate(), plain).join("\n");
    expect(text).toContain("Gate readiness: begin?");
    expect(text).toContain("12 checks passed");
    expect(text).toContain("- The team is there");
    expect(text).toContain("  Go     The rehearsal begins.");
    expect(text).toContain("  No-Go  The run ends as Refused.");
    expect(text.split("\n")).toContain(LINK);
    expect(text).not.toContain("Still running");
  });

  test("shows that it opened again, and why", () => {
    const gate = new FakeGate();
    Object.assign(gate.doc, { escalation: true, changed: ["Table t was added."] });
    const text = gateText(gate, plain).join("\n");
    expect(text).toContain("escalated: not decided in time");
    expect(text).toContain("Table t was added.");
  });
});

describe("the last lines about a run", () => {
  test.each<[End, string]>([
    ["Succeeded", "✔ Succeeded"],
    ["Refused", "✖ Refused"],
    ["RolledBack", "← Rolled back"],
    ["Restored", "← Restored from the backup"],
    ["NeedsOperator", "✖ An operator is needed now"],
  ])("of %s are its verdict and its cause, stated once", (end, verdict) => {
    const text = endText(endOf(end), plain);
    expect(text[1]).toBe(verdict);
    expect(text).toContain("  this is why.");
  });

  test("show where the evidence and the report are, and what to do next", () => {
    const text = endText(endOf("Refused"), plain).join("\n");
    expect(text).toContain(`Evidence  ${EVIDENCE}`);
    expect(text).toContain(`Report    ${EVIDENCE}/report.html`);
    expect(text).toContain("What to do next\n  Correct the cause.");
    expect(text).toContain("Left behind  nothing");
  });

  test("of a success are ten lines at most, with the report and what is to be done", () => {
    const text = shortEndText(endOf("Succeeded"), plain);
    expect(text.length).toBeLessThanOrEqual(10);
    expect(text).toContain(`Report    ${EVIDENCE}/report.html`);
    expect(text.join("\n")).toContain("To do: Correct the cause.");
    expect(text.join("\n")).toContain("--verbose");
  });

  test("show the downtime", () => {
    expect(endText(endOf("Refused"), plain).join("\n")).toMatch(/Downtime/);
  });

  test("name what was left behind, and do not call it nothing", () => {
    const text = endText(endOf("Succeeded", ["Database d is the snapshot."]), plain).join("\n");
    expect(text).toContain("Left behind\n  Database d is the snapshot.");
    expect(text).not.toContain("nothing");
  });

  test("have colour only if requested", () => {
    const code = "\u001b[";
    expect(endText(endOf("Succeeded"), plain).join("")).not.toContain(code);
    expect(endText(endOf("Succeeded"), paintFor(true)).join("")).toContain(code);
  });
});

describe("a run that was left at once", () => {
  const left = { run: "run-1", evidence: EVIDENCE, phase: "Migrate", state: "Apply 002 to production" };

  test("shows its last state, and how to make its report", () => {
    const text = leftText(left, { apply: false }).join("\n");
    expect(text).toContain('Left run run-1 at once, in "Apply 002 to production" (Migrate)');
    expect(text).toContain("embedded databases ended with this process");
    expect(text).toContain(`sluice report ${EVIDENCE}`);
  });

  test("shows what may be left on a server, without the URL's password", () => {
    const databaseUrl = "postgresql://me:secret@db/app";
    const copies = leftText(left, { databaseUrl, apply: false }).join("\n");
    expect(copies).toContain("databases named sluice-...");
    expect(copies).not.toContain("secret");
    expect(leftText(left, { databaseUrl, apply: true }).join("\n")).toContain(
      "may be fenced or half migrated",
    );
  });
});

describe("wrapped text", () => {
  test("keeps to the columns, indents continued lines, and breaks no word", () => {
    const long = "x".repeat(50);
    expect(wrap(`a b ${long} c`, 40, "- ", "  ")).toEqual(["- a b", `  ${long}`, "  c"]);
  });

  test("leaves lines that fit unchanged, so that a caret stays below its place", () => {
    expect(wrap("syntax error\n5 |  SELEC 1;\n     ^", 60, "  ")).toEqual([
      "  syntax error",
      "  5 |  SELEC 1;",
      "       ^",
    ]);
  });

  test("stays unchanged without a width", () => {
    expect(wrap("word ".repeat(100).trim(), undefined)).toHaveLength(1);
  });
});
