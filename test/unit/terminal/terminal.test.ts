import { describe, expect, test } from "vitest";
import { main } from "../../../bin/commands/main.ts";
import {
  done,
  EVIDENCE,
  ended,
  entered,
  FakeGate,
  FakeRun,
  failed,
  LINK,
  left,
  started,
} from "./fake-run.ts";
import { FakeTerminal, pause } from "./fake-terminal.ts";

const PLAN = ["--plan", new URL("../../plans/tiny", import.meta.url).pathname];

/** Longer than the time within which one press of Ctrl-C may arrive twice. */
const A_MOMENT_MS = 350;

function rehearse(run: FakeRun, terminal: FakeTerminal, ...flags: string[]): Promise<number> {
  return main(["rehearse", ...PLAN, ...flags], terminal, async () => run.start);
}

/** A run that reaches a gate, and continues after the answer. */
function runWithGate(gate: FakeGate): FakeRun {
  const run = new FakeRun(started, ...done("Admit the run", 0, 1), entered("Gate: readiness", 1), {
    type: "gate",
    gate,
  });
  void gate.closed.then((answer) => {
    const end = answer?.decision === "Go" ? "Succeeded" : "Refused";
    run.tell(left("Gate: readiness", 5), ...done("Write the report", 6, 7), ended(end));
  });
  return run;
}

describe("at a terminal", () => {
  test("a gate is answered with y, in the name of the user at the terminal", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    const code = rehearse(runWithGate(gate), terminal);
    await terminal.until("Go? Type y or n");
    expect(terminal.out).toContain(LINK);
    terminal.type("y\r");
    expect(await code).toBe(0);
    expect(gate.decisions).toEqual([{ decision: "Go", by: expect.stringMatching(/^\w/), comment: "" }]);
    expect(terminal.out).toContain("✔ Succeeded");
    expect(terminal.out).not.toContain("Answered elsewhere");
  });

  test("Enter alone and other words answer nothing", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    const code = rehearse(runWithGate(gate), terminal);
    await terminal.until("Go? Type y or n");
    terminal.type("\r");
    await terminal.until("Go? Type y or n", 2);
    terminal.type("sure\r");
    await terminal.until("Go? Type y or n", 3);
    expect(gate.decisions).toEqual([]);
    terminal.type("yes\r");
    expect(await code).toBe(0);
  });

  test("text typed before the question answers nothing: not a line, not one without its Enter, not a paste", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    terminal.type("y\ry");
    const code = rehearse(runWithGate(gate), terminal);
    await terminal.until(LINK);
    terminal.type("\ryes\ry");
    await terminal.until("Go? Type y or n");
    terminal.type("\r");
    await terminal.until("Go? Type y or n", 2);
    expect(gate.decisions).toEqual([]);
    terminal.type("n\rtyped with it\ry\r");
    await terminal.until("Why not?");
    terminal.type("Not today\r");
    expect(await code).toBe(12);
    expect(gate.decisions).toMatchObject([{ decision: "NoGo", comment: "Not today" }]);
  });

  test("the line of the question names the gate and what its Go is for", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    const code = rehearse(runWithGate(gate), terminal);
    await terminal.until("Gate readiness: begin? Go? Type y or n, and Enter:");
    terminal.type("y\r");
    expect(await code).toBe(0);
  });

  test("a Go that changes a real database requires its name, exactly", async () => {
    const [gate, terminal] = [
      new FakeGate("rehearsal", "rehearsal", "orders"),
      new FakeTerminal({ isTTY: true }),
    ];
    const code = rehearse(runWithGate(gate), terminal);
    const [goes, names] = ["Go? Type y or n", "Type orders, the database that this run changes:"];
    for (const [i, name] of ["", "y", "Orders"].entries()) {
      await terminal.until(goes, i + 1);
      terminal.type("y\r");
      await terminal.until(names, i + 1);
      terminal.type(`${name}\r`);
    }
    await terminal.until(goes, 4);
    expect(gate.decisions).toEqual([]);
    terminal.type("y\r");
    await terminal.until(names, 4);
    terminal.type("orders\r");
    expect(await code).toBe(0);
    expect(gate.decisions).toMatchObject([{ decision: "Go" }]);
  });

  test("a No-Go requires no name", async () => {
    const [gate, terminal] = [
      new FakeGate("rehearsal", "rehearsal", "orders"),
      new FakeTerminal({ isTTY: true }),
    ];
    const code = rehearse(runWithGate(gate), terminal);
    await terminal.until("Go? Type y or n");
    terminal.type("n\r");
    await terminal.until("Why not?");
    terminal.type("Not today\r");
    expect(await code).toBe(12);
    expect(gate.decisions).toMatchObject([{ decision: "NoGo" }]);
  });

  test("n asks for the reason, and is the No-Go with that comment", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    const code = rehearse(runWithGate(gate), terminal);
    await terminal.until("Go? Type y or n");
    terminal.type("n\r");
    await terminal.until("Why not?");
    terminal.type("The team is asleep\r");
    expect(await code).toBe(12);
    expect(gate.decisions).toMatchObject([{ decision: "NoGo", comment: "The team is asleep" }]);
  });

  test("the page's answer removes the question, and is shown", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    const code = rehearse(runWithGate(gate), terminal);
    await terminal.until("Go? Type y or n");
    terminal.type("n");
    gate.answer("Go", "grace");
    expect(await code).toBe(0);
    expect(gate.decisions).toEqual([]);
    expect(terminal.out).toContain("Answered elsewhere: Go by grace");
    expect(terminal.stdin.listenerCount("keypress")).toBe(0);
  });

  test("an answer that came too late is reported as late", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    gate.decide = async () => {
      gate.answer("NoGo", "grace");
      return "before";
    };
    const code = rehearse(runWithGate(gate), terminal);
    await terminal.until("Go? Type y or n");
    terminal.type("y\r");
    expect(await code).toBe(12);
    expect(terminal.out).toContain("Answered elsewhere: No-Go by grace");
  });

  test("a rejected answer is explained, and the question is repeated", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    const decide = gate.decide.bind(gate);
    gate.decide = async () => {
      gate.decide = decide;
      throw new Error("Another person must give the Go.");
    };
    const code = rehearse(runWithGate(gate), terminal);
    await terminal.until("Go? Type y or n");
    terminal.type("y\r");
    await terminal.until("Another person must give the Go.");
    await terminal.until("Go? Type y or n", 2);
    terminal.type("y\r");
    expect(await code).toBe(0);
  });

  test("one Go of several is counted, and the gate stays open for the others and for a No-Go", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    Object.assign(gate.doc, { quorum: { approvals: 2, starterUnknown: false, since: 1 } });
    const code = rehearse(runWithGate(gate), terminal);
    await terminal.until("Go? Type y or n");
    expect(terminal.out).toContain("2 are needed, each under another name");
    terminal.type("y\r");
    await terminal.until("Counted. Another person must also say Go, on the page.");
    gate.answer("Go", "root and grace");
    expect(await code).toBe(0);
    expect(terminal.out).toContain("Answered elsewhere: Go by root and grace");
    expect(gate.decisions).toHaveLength(1);
  });

  test("a flag gives as many Goes as a gate needs, each under its own name", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal()];
    Object.assign(gate.doc, { quorum: { approvals: 3, starterUnknown: false, since: 1 } });
    expect(await rehearse(runWithGate(gate), terminal, "--yes")).toBe(0);
    expect(gate.decisions.map(({ by }) => by.replace(/\(.*?\)/, "(me)"))).toEqual([
      "--yes (me)",
      "2. --yes (me)",
      "3. --yes (me)",
    ]);
  });

  test("the question ends with the gate's time", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    const code = rehearse(runWithGate(gate), terminal);
    await terminal.until("Go? Type y or n");
    gate.timeIsOver();
    expect(await code).toBe(12);
    expect(terminal.out).toContain("nobody answered in time");
  });

  test("the end of input leaves the answer to the page", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    const code = rehearse(runWithGate(gate), terminal);
    await terminal.until("Go? Type y or n");
    terminal.type("\u0004");
    await terminal.until("Waiting for an answer on the page.");
    gate.answer("Go", "grace");
    expect(await code).toBe(0);
  });

  test("the list shows phases as they are done, and hides those that were never entered", async () => {
    const terminal = new FakeTerminal({ isTTY: true });
    const run = new FakeRun(
      started,
      ...done("Admit the run", 0, 1),
      entered("Apply 002 to production", 1),
      failed("Apply 002 to production", 2, false, "002_notes/migrate.sql:3: syntax error"),
      ...done("Roll back 002", 3, 4),
      ...done("Write the report", 4, 5),
      ended("RolledBack"),
    );
    expect(await rehearse(run, terminal)).toBe(10);
    const last = terminal.out.slice(terminal.out.lastIndexOf("✔ Admit"));
    expect(last).toContain("✖ Migrate");
    expect(last).toContain("002_notes/migrate.sql:3: syntax error");
    expect(last).toContain("✔ Roll back");
    expect(last).not.toContain("Restore production");
    expect(last).not.toContain("◼");
  });

  test("the cursor is visible again at the end", async () => {
    const terminal = new FakeTerminal({ isTTY: true });
    await rehearse(new FakeRun(started, ...done("Admit the run", 0, 1), ended()), terminal);
    expect(terminal.raw.lastIndexOf("\u001b[?25h")).toBeGreaterThan(terminal.raw.lastIndexOf("\u001b[?25l"));
  });
});

describe("Ctrl-C", () => {
  test("stops the run, once, and reports it", async () => {
    const terminal = new FakeTerminal({ isTTY: true });
    const run = new FakeRun(started, entered("Restore staging", 0));
    run.whenStopped(
      () => void pause(50).then(() => run.tell(...done("Write the report", 1, 2), ended("Refused"))),
    );
    const code = rehearse(run, terminal);
    await terminal.until("Restore staging");
    terminal.signals.emit("SIGINT");
    // As npm does.
    terminal.signals.emit("SIGINT");
    expect(await code).toBe(12);
    expect(run.stops).toBe(1);
    expect(terminal.out.replace(/\s+/g, " ")).toContain(
      "Stopping: the run goes back its own way. Press Ctrl-C again to leave at once",
    );
    expect(terminal.signals.listenerCount("SIGINT")).toBe(0);
  });

  test("a second time leaves at once with 130, and lists what was left and where", async () => {
    const terminal = new FakeTerminal({ isTTY: true });
    const run = new FakeRun(started, entered("Restore staging", 0));
    const code = rehearse(run, terminal);
    await terminal.until("Restore staging");
    terminal.signals.emit("SIGINT");
    await pause(A_MOMENT_MS);
    terminal.signals.emit("SIGINT");
    expect(await code).toBe(130);
    expect(terminal.err).toContain('Left run run-1 at once, in "Restore staging" (Rehearse)');
    expect(terminal.err).toContain(EVIDENCE);
  });

  test("also comes from a closed terminal, which never leaves at once, however often it signals", async () => {
    const terminal = new FakeTerminal({ isTTY: true });
    const run = new FakeRun(started, entered("Restore staging", 0));
    const code = rehearse(run, terminal);
    await terminal.until("Restore staging");
    terminal.signals.emit("SIGHUP");
    await pause(A_MOMENT_MS);
    terminal.signals.emit("SIGHUP");
    await pause(10);
    run.tell(...done("Write the report", 1, 2), ended("Refused"));
    expect(await code).toBe(12);
    expect(run.stops).toBe(1);
    expect(terminal.signals.listenerCount("SIGHUP")).toBe(0);
  });

  test("works during a question", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    const run = runWithGate(gate).whenStopped(() => gate.answer("NoGo", "Ctrl-C"));
    const code = rehearse(run, terminal);
    await terminal.until("Go? Type y or n");
    terminal.type("\u0003");
    expect(await code).toBe(12);
    expect(run.stops).toBe(1);
    expect(gate.decisions).toEqual([]);
  });

  test.each(["restore", "keep"] as const)("does not remove the question of gate %s", async (kind) => {
    const [gate, terminal] = [new FakeGate(kind, kind), new FakeTerminal({ isTTY: true })];
    const run = runWithGate(gate);
    const code = rehearse(run, terminal);
    await terminal.until("Go? Type y or n");
    terminal.type("\u0003");
    await terminal.until("Stopping:");
    terminal.type("y\r");
    expect(await code).toBe(0);
    expect(gate.decisions).toMatchObject([{ decision: "Go" }]);
  });

  test("leaves other gates to the run that stops", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal()];
    const run = new FakeRun(started, entered("Admit the run", 0));
    const code = rehearse(run, terminal, "--yes");
    await terminal.until("run-1");
    terminal.signals.emit("SIGTERM");
    run.tell(entered("Gate: readiness", 1), { type: "gate", gate });
    await pause(50);
    expect(gate.decisions).toEqual([]);
    gate.answer("NoGo", "the run");
    run.tell(left("Gate: readiness", 2), ended("Refused"));
    expect(await code).toBe(12);
  });
});

describe("answers given beforehand", () => {
  test("--yes answers Go without a question, in the name of the command's user", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    expect(await rehearse(runWithGate(gate), terminal, "--yes")).toBe(0);
    expect(gate.decisions).toEqual([
      { decision: "Go", by: expect.stringMatching(/^--yes \(.+\)$/), comment: "" },
    ]);
    expect(terminal.out).not.toContain("Type y or n");
  });

  test("are shown as given if the run ends before anybody has read them", async () => {
    const [gate, terminal] = [new FakeGate().notLookedAt(), new FakeTerminal()];
    const run = new FakeRun(started, entered("Gate: readiness", 1), { type: "gate", gate });
    const decide = gate.decide.bind(gate);
    gate.decide = async (...answer) => {
      const outcome = await decide(...answer);
      run.tell(left("Gate: readiness", 1), ended());
      return outcome;
    };
    expect(await rehearse(run, terminal, "--yes")).toBe(0);
    expect(terminal.out).toContain("Gate: readiness > Gate: readiness: Go by --yes");
    expect(terminal.out).not.toContain("nobody answered");
  });

  test("--no-go answers No-Go at its gate", async () => {
    const gate = new FakeGate();
    expect(await rehearse(runWithGate(gate), new FakeTerminal(), "--no-go", "readiness")).toBe(12);
    expect(gate.decisions).toMatchObject([{ decision: "NoGo", comment: "--no-go readiness" }]);
  });

  test("--no-go answers Go at all other gates", async () => {
    const gate = new FakeGate();
    expect(await rehearse(runWithGate(gate), new FakeTerminal(), "--no-go", "open")).toBe(0);
    expect(gate.decisions).toMatchObject([{ decision: "Go" }]);
  });

  test("a refused Go becomes a No-Go that states why", async () => {
    const gate = new FakeGate();
    const decide = gate.decide.bind(gate);
    gate.decide = async (decision, by, comment) => {
      if (decision === "Go") throw new Error("Another plan has been deployed.");
      return await decide(decision, by, comment);
    };
    expect(await rehearse(runWithGate(gate), new FakeTerminal(), "--yes")).toBe(12);
    expect(gate.decisions).toMatchObject([{ decision: "NoGo", comment: "Another plan has been deployed." }]);
  });
});

describe("with standard output that is no terminal", () => {
  test("a gate prints its link and waits for the page", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal()];
    const code = rehearse(runWithGate(gate), terminal);
    await terminal.until(LINK);
    expect(terminal.out).not.toContain("Type y or n");
    gate.answer("Go", "grace");
    expect(await code).toBe(0);
    expect(terminal.out).toContain("Gate: readiness > Gate: readiness: Go by grace");
  });

  test("only text is printed", async () => {
    const terminal = new FakeTerminal();
    await rehearse(runWithGate(new FakeGate()), terminal, "--yes");
    expect(terminal.raw).not.toContain("\u001b");
    expect(terminal.raw).toContain("✔ Succeeded");
  });
});

describe("--json", () => {
  test("prints the report alone on standard output", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    expect(await rehearse(runWithGate(gate), terminal, "--yes", "--json")).toBe(0);
    expect(JSON.parse(terminal.out)).toMatchObject({ version: 1, run: "run-1", end: "Succeeded" });
    expect(terminal.err).toBe("");
  });

  test("prints gates' links and failures on standard error, and asks nothing at the terminal", async () => {
    const [gate, terminal] = [new FakeGate(), new FakeTerminal({ isTTY: true })];
    const run = runWithGate(gate);
    const code = rehearse(run, terminal, "--json");
    await terminal.until(LINK);
    run.tell(failed("Gate: readiness", 2, false));
    gate.answer("NoGo", "grace");
    expect(await code).toBe(12);
    expect(terminal.err).toContain("Gate: readiness: StatementFailed: it broke");
    expect(terminal.err).toContain("Refused: this is why.");
    expect(JSON.parse(terminal.out)).toMatchObject({ end: "Refused" });
  });
});
