import { type ExecFileException, execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const REPOSITORY = join(import.meta.dirname, "../..");

/** A team's own folder, with the packed tarball installed and nothing of the repository. */
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-package-"));
  await npm(["pack", "--pack-destination", folder], REPOSITORY);
  const [tarball = ""] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ name: "team", private: true, type: "module" }),
  );
  await npm(["install", join(folder, tarball)], folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Printed {
  code: number;
  stdout: string;
  stderr: string;
}

const run = promisify(execFile);

async function npm(args: readonly string[], cwd: string): Promise<void> {
  await run("npm", [...args, "--no-audit", "--no-fund"], { cwd, maxBuffer: 1e8 }).catch(
    (error: ExecFileException) => {
      throw new Error(`npm ${args[0]} failed; it needs the registry of npm. ${error.stderr}`, {
        cause: error,
      });
    },
  );
}

async function sluice(...args: readonly string[]): Promise<Printed> {
  return await node([join(folder, "node_modules/.bin/sluice"), ...args]);
}

async function node(args: readonly string[]): Promise<Printed> {
  return await run(process.execPath, [...args], { cwd: folder, maxBuffer: 1e8 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout = "", stderr = "" }: ExecFileException) => ({ code: Number(code), stdout, stderr }),
  );
}

test("the package brings neither sources nor what builds it", async () => {
  const brought = await readdir(join(folder, "node_modules"));
  for (const name of ["tsx", "esbuild", "typescript", "vitest"]) expect(brought).not.toContain(name);
  const own = join(folder, "node_modules/sluice");
  expect(existsSync(join(own, "bin/sluice.ts"))).toBe(false);
  expect(existsSync(join(own, "test"))).toBe(false);
});

describe("in a folder that has only the package", () => {
  test("help and version are shown", async () => {
    const { version } = JSON.parse(await readFile(join(REPOSITORY, "package.json"), "utf8")) as {
      version: string;
    };
    expect(await sluice("--help")).toMatchObject({ code: 0, stdout: expect.stringContaining("rehearse") });
    expect(await sluice("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("a plan is made, found without mistakes, and rehearsed", async () => {
    expect((await sluice("new", "demo")).code).toBe(0);
    expect(await sluice("check", "demo")).toMatchObject({ code: 0, stderr: "" });
    const rehearsed = await sluice("rehearse", "--yes", "--plan", "demo", "--json");
    expect(rehearsed.stderr).not.toContain("bug");
    expect(JSON.parse(rehearsed.stdout)).toMatchObject({ end: "Succeeded" });
    expect(rehearsed.code).toBe(0);
  });

  test("the bundled plan is the package's own", async () => {
    expect(await sluice("check")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("hybrid search"),
    });
  });

  test("a mistake in a plan is shown with its place, and is no bug", async () => {
    await writeFile(join(folder, "demo/plan.yaml"), "titel: Wrong\n");
    const { code, stderr } = await sluice("check", "demo");
    expect(code).not.toBe(0);
    expect(stderr).toContain("titel");
    await writeFile(join(folder, "demo/plan.yaml"), "title: Right\n");
  });

  test("an app of ten lines synthesizes, with the code of every function in it", async () => {
    await writeFile(
      join(folder, "app.js"),
      `import { App, Stack } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import * as rds from "aws-cdk-lib/aws-rds";
import { Sluice } from "sluice";

const stack = new Stack(new App({ outdir: "cdk.out" }), "Shop");
const vpc = new ec2.Vpc(stack, "Vpc");
const engine = rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.VER_17 });
const instance = new rds.DatabaseInstance(stack, "Orders", { engine, vpc, databaseName: "orders" });
new Sluice(stack, "Migrations", { instance, vpc, approvers: ["dba@example.org"], plan: "./demo" });
stack.node.root.synth();
`,
    );
    expect(await node(["app.js"])).toMatchObject({ code: 0 });
    const files = await readdir(join(folder, "cdk.out"), { recursive: true });
    const code = files.filter((name) => name.endsWith("index.js"));
    expect(code.length).toBeGreaterThan(20);
    expect(files.some((name) => name.endsWith("settings.json"))).toBe(true);
    const template = JSON.parse(await readFile(join(folder, "cdk.out/Shop.template.json"), "utf8")) as {
      Resources: Record<string, { Type: string }>;
    };
    const types = Object.values(template.Resources).map(({ Type }) => Type);
    expect(types.filter((type) => type === "AWS::StepFunctions::StateMachine")).toHaveLength(4);
  });

  test.each([
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
    ["node16", "node16"],
  ])("what it exports has types, with nothing else installed, for module %s", async (module, resolution) => {
    await writeFile(
      join(folder, "uses.ts"),
      `import { Sluice, SettingsError, type SluiceProps } from "sluice";
import type { Report } from "sluice/report";
import { withTenantContext } from "sluice/tenant-context";
export const props: Pick<SluiceProps, "plan"> = { plan: "./demo" };
export const ends = (report: Report): string => report.end;
export const names = (pool: Parameters<typeof withTenantContext>[0]): Promise<string[]> =>
  withTenantContext(pool, "a", async (client) => (await client.query<{ name: string }>("SELECT name FROM t")).rows.map(({ name }) => name));
export { Sluice, SettingsError };
// @ts-expect-error: there is no such setting
export const wrong: Pick<SluiceProps, "plam"> = {};
`,
    );
    const tsc = join(REPOSITORY, "node_modules/typescript/bin/tsc");
    const options = ["--noEmit", "--strict", "--target", "es2022", "--types", "node"];
    expect(
      await node([tsc, ...options, "--module", module, "--moduleResolution", resolution, "uses.ts"]),
    ).toMatchObject({ code: 0, stdout: "" });
  });
});
