import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Report } from "../../lambdas/report/schema.ts";
import { loadPlan } from "../../lib/plan/compile.ts";
import { phasesShown } from "../../local/definition.ts";
import { WAYS_BACK } from "../../local/events.ts";
import { synthesize } from "../../local/synthesize.ts";
import { plannedMinutes } from "../../local/terminal/phases.ts";
import { TINY_PLAN, temporaryFolder } from "../support/rehearsal.ts";

const LAUNCHER = new URL("../../bin/sluice.js", import.meta.url).pathname;

interface Ran {
  code: number | null;
  out: string;
  err: string;
}

/** Runs the command as a process of its own, in a folder that is not the package's. */
function sluice(...args: string[]): Promise<Ran> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd: tmpdir() });
  const ran: Ran = { code: null, out: "", err: "" };
  child.stdout.on("data", (chunk) => {
    ran.out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    ran.err += chunk;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ ...ran, code })));
}

async function evidenceOf(out: string): Promise<string> {
  const folder = /^Evidence: (.*)$/m.exec(out)?.[1];
  if (!folder) throw new Error(`No evidence is named in:\n${out}`);
  return folder;
}

describe("sluice, as a process", () => {
  test("starts without any noise, in whatever folder", async () => {
    const { code, out, err } = await sluice("--help");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("Usage: sluice");
  });

  test("rehearse --yes --json ends 0 and prints the report that it keeps, and nothing else", async () => {
    const folder = await temporaryFolder();
    const { code, out, err } = await sluice(
      ...["rehearse", "--plan", TINY_PLAN, "--out", folder, "--yes", "--json"],
    );
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const report = JSON.parse(out) as Report;
    expect(report.end).toBe("Succeeded");
    expect(JSON.parse(await readFile(join(folder, "report.json"), "utf8"))).toEqual(report);
  });

  test("rehearse --no-go after a migration ends 10, and its report can be made again from the evidence", async () => {
    const { code, out, err } = await sluice(
      ...["rehearse", "--plan", TINY_PLAN, "--out", await temporaryFolder(), "--no-go", "after-002"],
    );
    expect({ code, err }).toEqual({ code: 10, err: "" });
    expect(out).toContain("Roll back > Roll back 002: done");
    expect(out).toContain("← Rolled back");
    const evidence = await evidenceOf(out);
    const kept = await readFile(join(evidence, "report.json"), "utf8");
    expect(await sluice("report", evidence)).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(await readFile(join(evidence, "report.json"), "utf8"))).toEqual(JSON.parse(kept));
  });

  test("a database that cannot be reached is reported by its address, without its password", async () => {
    const { code, err } = await sluice(
      ...["rehearse", "--plan", TINY_PLAN, "--yes", "--out", await temporaryFolder()],
      ...["--database-url", "postgresql://me:secret@127.0.0.1:1/app"],
    );
    expect(code).toBe(2);
    expect(err).toMatch(/127\.0\.0\.1:1/);
    expect(err).not.toContain("secret");
  });
});

describe("the names in the terminal's lists", () => {
  test("are names of the machine's phases and states", async () => {
    const { plan } = await loadPlan(TINY_PLAN);
    const phases = phasesShown(await synthesize(plan, { rehearse: "before" }), plan);
    const names = phases.flatMap(({ phase, states }) => [phase, ...states]);
    for (const name of [...WAYS_BACK, ...plannedMinutes(plan).keys()]) expect(names).toContain(name);
  });
});
