import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { main } from "../../bin/commands/main.ts";
import { QUESTIONS } from "../../bin/init/questions.ts";
import { parseSettings } from "../../lib/settings.ts";
import type { LookedUp, LookUp } from "../../local/look-up.ts";
import { FakeTerminal } from "./terminal/fake-terminal.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-init-"));
  file = join(folder, "cdk.json");
  writeFileSync(file, JSON.stringify({ app: "node bin/app.ts", context: { "@aws-cdk/flag": true } }));
});
afterEach(() => rmSync(folder, { recursive: true }));

const secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:orders-AbCdEf";
const NEEDED = [
  ["instance", "orders"],
  ["database", "orders"],
  ["login", secret],
  ["vpc", "vpc-0ab1"],
  ["subnets", "eu-central-1a=subnet-0ab1,eu-central-1b=subnet-0ab2"],
  ["security-group", "sg-0ab1"],
  ["approvers", "dba@example.com"],
  ["escalation", "head@example.com"],
] as const;
const flags = (...more: (readonly [string, string])[]) =>
  [...NEEDED.filter(([name]) => !more.some(([other]) => other === name)), ...more].flatMap(
    ([name, value]) => [`--${name}`, value],
  );

/** What AWS reports in this test. */
let account: (kind: string, identifier: string, region?: string) => LookedUp;
const lookUp: LookUp = async (...about) => account(...about);
beforeEach(() => {
  account = () => ({ says: [] });
});

interface Called {
  code: number;
  out: string;
  err: string;
}

async function init(...args: string[]): Promise<Called> {
  const terminal = new FakeTerminal();
  const code = await main(["init", "--file", file, ...args], terminal, undefined, undefined, lookUp);
  return { code, out: terminal.out, err: terminal.err };
}

/** Answers each question as it is asked; Enter alone where no answer is given. */
async function asked(
  answers: Readonly<Record<string, readonly string[]>>,
  ...args: string[]
): Promise<Called> {
  const terminal = new FakeTerminal({ isTTY: true });
  const ended = main(["init", "--file", file, ...args], terminal, undefined, undefined, lookUp);
  for (const { flag, asks } of QUESTIONS) {
    if (args.includes(`--${flag}`)) continue;
    await terminal.until(asks);
    for (const answer of answers[flag] ?? [""]) terminal.type(`${answer}\n`);
  }
  return { code: await ended, out: terminal.out, err: terminal.err };
}

const written = () =>
  (JSON.parse(readFileSync(file, "utf8")) as { context: { sluice: object } }).context.sluice;

describe("sluice init", () => {
  test("writes settings that the app accepts, from flags alone, and leaves the rest of the file unchanged", async () => {
    const { code, err, out } = await init(...flags());
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("npx cdk deploy");
    expect(parseSettings(written())).toMatchObject({
      databases: [{ instance: "orders", name: "orders", secretArn: secret }],
      network: {
        availabilityZones: ["eu-central-1a", "eu-central-1b"],
        subnetIds: ["subnet-0ab1", "subnet-0ab2"],
      },
      restore: true,
      retentionDays: 365,
    });
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
      app: "node bin/app.ts",
      context: { "@aws-cdk/flag": true },
    });
  });

  test("takes a cluster instead of an instance, and then does not ask for an instance", async () => {
    const without = flags().slice(2);
    expect(await init(...without, "--cluster", "orders")).toMatchObject({ code: 0, err: "" });
    expect(parseSettings(written()).databases).toMatchObject([
      { instance: "orders", cluster: { staging: "clone" }, name: "orders" },
    ]);
    const both = await init(...flags(), "--replace", "--cluster", "orders");
    expect([both.code, both.err]).toEqual([2, expect.stringContaining("database.cluster: does not go with")]);
  });

  test("takes further databases, each with its own login, and names the database of a mistake", async () => {
    const further = ["--another", "stock/warehouse=migrator", "--another", `billing/app=${secret}`];
    expect(await init(...flags(), ...further)).toMatchObject({ code: 0, err: "" });
    expect(written()).not.toHaveProperty("database");
    expect(parseSettings(written()).databases).toMatchObject([
      { instance: "orders", name: "orders", secretArn: secret },
      { instance: "stock", name: "warehouse", iamUser: "migrator" },
      { instance: "billing", name: "app", secretArn: secret },
    ]);
    for (const [given, said] of [
      ["stock", "it must look like INSTANCE/DATABASE=ARN"],
      ["Stock/a=b", "databases[1].instance"],
      ["orders/orders=b", "databases[1]: orders on orders is there twice"],
    ] as const) {
      const { code, err } = await init(...flags(), "--replace", "--another", given);
      expect([code, err]).toEqual([2, expect.stringContaining(said)]);
    }
  });

  test("accepts every setting that it has a flag for", async () => {
    const { code, err } = await init(
      ...flags(
        ["login", "sluice"],
        ["subnets", "123456789012/eu-central-1"],
        ["storage-key", "arn:aws:kms:eu-central-1:123456789012:key/a"],
        ["endpoint-route-tables", "rtb-0ab1"],
        ["application-url", "https://orders.example.com"],
        ["application-roles", "orders_app"],
        ["alarms", "orders-latency"],
        ["window", "sat,sun 01:00 6h Europe/Berlin"],
        ["contacts", "Lead=Ada Lovelace"],
        ["restore", "no"],
        ["retention-days", "90"],
      ),
      ...["--alarms", "orders-errors"],
    );
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(parseSettings(written())).toMatchObject({
      databases: [
        {
          iamUser: "sluice",
          storageKmsKeyArn: "arn:aws:kms:eu-central-1:123456789012:key/a",
          application: { url: "https://orders.example.com", roles: ["orders_app"] },
          alarms: ["orders-latency", "orders-errors"],
        },
      ],
      network: {
        lookUp: { account: "123456789012", region: "eu-central-1" },
        endpoints: { routeTableIds: ["rtb-0ab1"] },
      },
      maintenanceWindow: { days: ["sat", "sun"], from: "01:00", hours: 6, timeZone: "Europe/Berlin" },
      contacts: [{ role: "Lead", name: "Ada Lovelace" }],
      restore: false,
      retentionDays: 90,
    });
  });

  test("reports everything that is missing or wrong together if it may not ask, and writes nothing", async () => {
    const before = readFileSync(file, "utf8");
    const { code, err } = await init(
      "--instance",
      "Orders!",
      "--subnets",
      "subnet-0ab1",
      "--window",
      "nights",
    );
    expect(code).toBe(2);
    for (const line of [
      "- database.instance: a DB instance identifier",
      "- --database is needed",
      "- subnet-0ab1: it must look like ZONE=SUBNET",
      "- --approvers is needed",
      "- nights: it must look like sat,sun 01:00 6h Europe/Berlin",
    ])
      expect(err).toContain(line);
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  test("asks for each setting, reports at once what is wrong with an answer, and asks again", async () => {
    const answers = Object.fromEntries(NEEDED.map(([name, value]) => [name, [value]]));
    const { code, out } = await asked({
      ...answers,
      approvers: ["nobody", "", "dba@example.com, ada@example.com"],
    });
    expect(code).toBe(0);
    expect(out).toMatch(/ {2}approvers\[0\]: /);
    expect(parseSettings(written())).toMatchObject({ approvers: ["dba@example.com", "ada@example.com"] });
  });

  test("does not ask what a flag answers", async () => {
    const answers = Object.fromEntries(NEEDED.map(([name, value]) => [name, [value]]));
    const { out } = await asked(answers, "--vpc", "vpc-0ab1");
    expect(out).not.toContain("VPC of the database");
  });

  test("replaces settings only with --replace", async () => {
    await init(...flags());
    const { code, err } = await init(...flags(["instance", "other"]));
    expect(code).toBe(2);
    expect(err).toContain("--replace");
    expect(written()).toMatchObject({ database: { instance: "orders" } });
    expect((await init("--replace", ...flags(["instance", "other"]))).code).toBe(0);
    expect(written()).toMatchObject({ database: { instance: "other" } });
  });

  test("asks at a terminal whether it may replace them", async () => {
    await init(...flags());
    const terminal = new FakeTerminal({ isTTY: true });
    const ended = main(["init", "--file", file], terminal);
    await terminal.until("Replace them");
    terminal.type("\n");
    expect(await ended).toBe(2);
    expect(terminal.err).toContain("Nothing was written");
  });

  test("writes nothing if it is stopped in the middle", async () => {
    const before = readFileSync(file, "utf8");
    const terminal = new FakeTerminal({ isTTY: true });
    const ended = main(["init", "--file", file], terminal);
    await terminal.until("Folder of the plan");
    terminal.stdin.push(null);
    expect(await ended).toBe(2);
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  test("reports a missing file, and one that is not JSON", async () => {
    writeFileSync(file, "{");
    expect((await init(...flags())).err).toContain("is not JSON");
    rmSync(file);
    expect((await init(...flags())).err).toContain("There is no");
  });
});

describe("production is looked up in AWS", () => {
  const without = (...names: string[]) =>
    NEEDED.filter(([name]) => !names.includes(name)).flatMap(([name, value]) => [`--${name}`, value]);

  test("by kind and identifier, in the given Region; what AWS reports needs no flag", async () => {
    const asked: unknown[] = [];
    account = (...about) => {
      asked.push(about);
      return { says: ["Found: orders"], database: "shop", vpc: "vpc-0cd2" };
    };
    const { code, out } = await init(
      ...without("instance", "database", "vpc", "subnets"),
      ...["--cluster", "orders", "--subnets", "123456789012/eu-west-1"],
    );
    expect([code, asked]).toEqual([0, [["cluster", "orders", "eu-west-1"]]]);
    expect(out).toContain("Found: orders");
    expect(written()).toMatchObject({ database: { name: "shop" }, network: { vpcId: "vpc-0cd2" } });
  });

  test("and a flag outweighs what AWS reports", async () => {
    account = () => ({ says: [], database: "shop", vpc: "vpc-0cd2" });
    await init(...flags());
    expect(written()).toMatchObject({ database: { name: "orders" }, network: { vpcId: "vpc-0ab1" } });
  });

  test("and a cluster's instances are listed if their names do not begin with the cluster's", async () => {
    account = () => ({ says: [], members: ["blue", "green"] });
    await init(...without("instance"), "--cluster", "orders");
    expect(parseSettings(written()).databases).toMatchObject([{ cluster: { members: ["blue", "green"] } }]);
  });

  test("and production that Sluice cannot migrate is a mistake like any other: nothing is written", async () => {
    const before = readFileSync(file, "utf8");
    account = (kind, identifier) => ({ says: [], mistake: `there is no ${kind} ${identifier} in eu-west-1` });
    const { code, err } = await init(...flags());
    expect([code, err]).toEqual([2, expect.stringContaining("- there is no instance orders in eu-west-1")]);
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  test("and at a terminal the question is repeated until AWS finds production", async () => {
    account = (_, identifier) =>
      identifier === "orders"
        ? { says: ["Found: orders"], vpc: "vpc-0cd2" }
        : { says: [], mistake: "there is none" };
    const terminal = new FakeTerminal({ isTTY: true });
    const ended = main(["init", "--file", file], terminal, undefined, undefined, lookUp);
    const [plan, cluster] = QUESTIONS;
    await terminal.until(plan?.asks ?? "");
    terminal.type("\norder\n");
    await terminal.until("there is none");
    await terminal.until(cluster?.asks ?? "", 2);
    terminal.type("orders\n");
    await terminal.until("Name of the database");
    expect(terminal.out).toContain("Found: orders");
    terminal.stdin.push(null);
    await ended;
  });

  test("but not with --no-look-up", async () => {
    account = () => {
      throw new Error("AWS was asked");
    };
    expect(await init("--no-look-up", ...flags())).toMatchObject({ code: 0, err: "" });
  });
});

describe("the file keeps its other content", () => {
  const written = (text: string) => {
    writeFileSync(file, text);
    return init("--yes", "--replace", ...flags());
  };
  test.each([
    [
      "indented by four, on Windows",
      '\ufeff{\r\n    "z": [1, 2],\r\n    "context": {\r\n        "b": 1.0,\r\n        "a": {}\r\n    },\r\n    "app": "x"\r\n}\r\n',
    ],
    [
      "indented by tabs, without a last line end",
      '{\n\t"z": [1, 2],\n\t"context": {\n\t\t"b": 1.0,\n\t\t"a": {}\n\t},\n\t"app": "x"\n}',
    ],
  ])("%s", async (_, text) => {
    expect(await written(text)).toMatchObject({ code: 0 });
    const now = readFileSync(file, "utf8");
    const indent = text.includes("\t") ? "\t" : "    ";
    const eol = text.includes("\r\n") ? "\r\n" : "\n";
    expect(now).toContain(`${eol}${indent}${indent}"sluice": {${eol}${indent.repeat(3)}"plan": `);
    const [head, tail] = text.split('"a": {}');
    expect(now.startsWith(`${head}"a": {},`)).toBe(true);
    expect(now.endsWith(tail ?? "-")).toBe(true);
    expect(
      now
        .split("\n")
        .every((line, at, all) => at === all.length - 1 || line.endsWith("\r") === (eol === "\r\n")),
    ).toBe(true);
  });

  test("and the replaced settings are named, with their keys as written", async () => {
    const before = { retentionDays: 365, smokeTests: ["/x"], database: { name: "orders", instance: "old" } };
    const { out } = await written(JSON.stringify({ context: { sluice: before } }, null, 2));
    expect(out).toContain('database.instance: "old" becomes "orders"');
    expect(out).toContain('smokeTests: ["/x"] is left out');
    expect(out).not.toContain("retentionDays");
    const { sluice } = JSON.parse(readFileSync(file, "utf8")).context;
    expect(Object.keys(sluice).slice(0, 2)).toEqual(["retentionDays", "database"]);
    expect(Object.keys(sluice.database).slice(0, 2)).toEqual(["name", "instance"]);
    writeFileSync(file, JSON.stringify({ context: { sluice: before } }));
    const { err } = await init("--yes", ...flags());
    expect(err).toContain("already holds settings (retentionDays, smokeTests, database)");
  });
});
