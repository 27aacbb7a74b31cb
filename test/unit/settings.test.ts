import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { deployed } from "../../lambdas/shared/settings.ts";
import { parseSettings, SettingsError, settings, toDeployed } from "../../lib/settings.ts";
import { stackName } from "../../lib/stack-name.ts";
import { exampleSettings } from "../support/settings.ts";

function mistakesIn(value: unknown): readonly string[] {
  try {
    parseSettings(value);
  } catch (error) {
    if (error instanceof SettingsError) return error.mistakes;
    throw error;
  }
  return [];
}

const KEY = "arn:aws:kms:eu-central-1:123456789012:key/0123";

describe("settings", () => {
  test("all mistakes are reported together, each with its place", () => {
    const mistakes = mistakesIn({
      ...exampleSettings,
      database: { ...exampleSettings.database, instance: "Prod_1", secretArn: "my-secret" },
      approvers: ["not an address"],
      retentionDays: 31,
      lockTimeout: 1,
    });
    expect(mistakes).toEqual([
      expect.stringMatching(/^database\.instance: a DB instance identifier/),
      expect.stringMatching(/^database\.secretArn: an ARN such as/),
      expect.stringMatching(/^approvers\[0\]: /),
      expect.stringMatching(/^retentionDays: one of 30, 60/),
      "lockTimeout: there is no such setting",
    ]);
  });

  test.each([
    ["oadbdmqt4xyz.dsql.eu-central-1.on.aws", /Aurora DSQL/],
    ["oadbdmqt4xyz.dsql-fnh4.eu-central-1.on.aws:5432", /Aurora DSQL/],
    ["arn:aws:dsql:eu-central-1:123456789012:cluster/oadbdmqt4xyz", /Aurora DSQL/],
    ["orders.limitless-abc123.eu-central-1.rds.amazonaws.com", /Limitless/],
    ["arn:aws:rds:eu-central-1:123456789012:shard-group:orders", /Limitless/],
    ["orders.cluster-abc123.eu-central-1.rds.amazonaws.com", /belongs to a cluster/],
    ["orders.cluster-ro-abc123.eu-central-1.rds.amazonaws.com:5432", /belongs to a cluster/],
    ["some.cluster-custom-abc123.cn-north-1.rds.amazonaws.com.cn", /belongs to a cluster/],
    ["arn:aws:rds:eu-central-1:123456789012:cluster:orders", /belongs to a cluster/],
    ["orders.global-abc123.global.rds.amazonaws.com", /a global database/],
    ["arn:aws:rds::123456789012:global-cluster:orders", /a global database/],
    ["orders.proxy-abc123.eu-central-1.rds.amazonaws.com", /RDS Proxy/],
    ["orders.abc123.eu-central-1.redshift.amazonaws.com", /Redshift/],
    ["arn:aws:redshift-serverless:eu-central-1:123456789012:workgroup/1", /Redshift/],
    ["orders.cluster-abc123.eu-central-1.docdb.amazonaws.com", /DocumentDB or Neptune/],
    ["orders.abc123.eu-central-1.rds.amazonaws.com:5432", /only the identifier, orders$/],
    ["arn:aws-us-gov:rds:us-gov-west-1:123456789012:db:orders", /only the identifier, orders$/],
  ])("a text that is no instance identifier is refused as what it is: %s", (instance, what) => {
    const mistakes = mistakesIn({ ...exampleSettings, database: { ...exampleSettings.database, instance } });
    expect(mistakes).toEqual([expect.stringMatching(what)]);
    expect(mistakes[0]).toContain("database.instance: ");
  });

  const { instance: _, ...login } = exampleSettings.database;
  const onCluster = (database: object, more: object = {}) =>
    mistakesIn({ ...exampleSettings, ...more, database: { ...login, ...database } });

  test.each<[string, object, object, RegExp | undefined]>([
    ["a cluster alone", { cluster: "orders" }, {}, undefined],
    [
      "with staging and members",
      { cluster: "orders", staging: "snapshot", members: ["a", "b"] },
      {},
      undefined,
    ],
    ["neither", {}, {}, /^database\.instance: is missing/],
    [
      "both",
      { cluster: "orders", instance: "orders-1" },
      {},
      /^database\.cluster: does not go with instance/,
    ],
    [
      "members of an instance",
      { instance: "orders", members: ["a"] },
      {},
      /^database\.members: is only for clusters/,
    ],
    [
      "staging of an instance",
      { instance: "orders", staging: "clone" },
      {},
      /^database\.staging: is only for clusters/,
    ],
    ["an endpoint", { cluster: "o.cluster-1.eu-central-1.rds.amazonaws.com" }, {}, /only the identifier, o$/],
    [
      "an instance's endpoint",
      { cluster: "o.1.eu-central-1.rds.amazonaws.com" },
      {},
      /belongs to an instance/,
    ],
    ["a name of Sluice's", { cluster: "sluice-staging" }, {}, /must not start with sluice-/],
    [
      "a clone of an instance",
      { instance: "orders" },
      { backup: "clone" },
      /^backup: clone is only for clusters/,
    ],
    ["a clone of a cluster", { cluster: "orders" }, { backup: "clone" }, undefined],
    [
      "a clone that is to be copied",
      { cluster: "orders" },
      { backup: { by: "clone", copyTo: { region: "eu-west-1" } } },
      /a clone is no snapshot, which copyTo needs/,
    ],
  ])("of a cluster: %s", (_what, database, more, mistake) => {
    expect(onCluster(database, more)).toEqual(mistake ? [expect.stringMatching(mistake)] : []);
  });

  test("a cluster is identified by its identifier, and its copies are clones by default", () => {
    const database = { ...login, cluster: "orders" };
    const parsed = parseSettings({ ...exampleSettings, database });
    expect(parsed.databases[0]).toMatchObject({
      instance: "orders",
      label: "orders",
      cluster: { staging: "clone", backup: "snapshot" },
    });
    expect(toDeployed(parseSettings({ ...exampleSettings, database, backup: "clone" }))).toMatchObject({
      backup: "snapshot",
      databases: [{ instance: "orders", cluster: { staging: "clone", backup: "clone" } }],
    });
  });

  test("the database of Aurora PostgreSQL Limitless is refused by its name", () => {
    const database = { ...exampleSettings.database, name: "postgres_limitless" };
    expect(mistakesIn({ ...exampleSettings, database })).toEqual([
      expect.stringMatching(/^database\.name: .*Limitless/),
    ]);
  });

  test("an unknown key deep inside is named by its whole path", () => {
    const network = { ...exampleSettings.network, subnets: [] };
    expect(mistakesIn({ ...exampleSettings, network })).toEqual([
      "network.subnets: there is no such setting",
    ]);
  });

  test.each<[string, object, string]>([
    ["a key of AWS's", { "aws:owner": "x" }, "aws:owner"],
    ["a key of Sluice's own", { "sluice:run": "x" }, "sluice:run"],
    ["an empty key", { "": "x" }, "tags"],
    ["a key that is too long", { ["k".repeat(129)]: "x" }, "tags"],
    ["a character that tags may not have", { owner: "a,b" }, "owner"],
    ["a value that is no text", { owner: 7 }, "owner"],
    [
      "so many that a run's own do not fit",
      Object.fromEntries(Array.from({ length: 48 }, (_, i) => [`k${i}`, ""])),
      "at most 47",
    ],
  ])("of tags refuse %s, by its name", (_, tags, text) => {
    const mistakes = mistakesIn({ ...exampleSettings, tags });
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatch(/^tags/);
    expect(mistakes[0]).toContain(text);
  });

  test("pass tags on to the run, and nothing if there are none", () => {
    const deployedTags = (more: object) => toDeployed(parseSettings({ ...exampleSettings, ...more })).tags;
    expect(deployedTags({ tags: { "cost-center": "4711/a", Überschrift: "" } })).toEqual({
      "cost-center": "4711/a",
      Überschrift: "",
    });
    expect(deployedTags({})).toBeUndefined();
  });

  test("a missing setting is reported as missing", () => {
    expect(mistakesIn({ ...exampleSettings, database: {}, approvers: undefined })).toEqual(
      expect.arrayContaining([
        "database.instance: is missing",
        "database.name: is missing",
        "approvers: is missing",
      ]),
    );
  });

  test.each<[string, object, string]>([
    [
      "names for some of the approvers",
      { approvers: ["dba@example.com", { name: "Ada Lovelace", email: "ada@example.com" }] },
      "approvers: give each a name, or none",
    ],
    [
      "two approvers who cannot be distinguished",
      {
        approvers: [
          { name: "Ada Lovelace", email: "ada@example.com" },
          { name: "A. Lovelace", email: "al@example.com" },
        ],
      },
      "approvers: A. Lovelace and Ada Lovelace cannot be told apart",
    ],
    [
      "one address for two approvers",
      {
        approvers: [
          { name: "Ada Lovelace", email: "dba@example.com" },
          { name: "Grace Hopper", email: "DBA@example.com" },
        ],
      },
      "approvers: DBA@example.com is there twice",
    ],
    [
      "an approver called Sluice",
      { approvers: [{ name: "Sluice", email: "ada@example.com" }] },
      'approvers: "Sluice": Type your name',
    ],
    [
      "approvers with names, and an escalation by one shared link",
      { approvers: [{ name: "Ada Lovelace", email: "ada@example.com" }] },
      "escalation: must have names if the approvers do",
    ],
  ])("%s are refused", (_, given, message) => {
    const mistakes = mistakesIn({ ...exampleSettings, ...given });
    expect(mistakes).toContainEqual(expect.stringContaining(message));
  });

  test("approvers with names reach the functions as a name and an id, without their address", () => {
    const ada = { name: "Ada Lovelace", email: "ada@example.com" };
    const run = toDeployed(parseSettings({ ...exampleSettings, approvers: [ada], escalation: [ada] }));
    const person = { id: expect.stringMatching(/^[0-9a-f]{16}$/), name: "Ada Lovelace" };
    expect(run.people).toEqual({ approvers: [person], escalation: [person] });
    expect(JSON.stringify(run)).not.toContain("ada@");
    expect(toDeployed(parseSettings(exampleSettings))).not.toHaveProperty("people");
  });

  test("evidence is not locked for longer than it is kept", () => {
    const lock = { mode: "compliance", days: 400 };
    expect(mistakesIn({ ...exampleSettings, evidenceLock: lock })).toEqual([
      "evidenceLock.days: must be at most retentionDays (365)",
    ]);
    expect(mistakesIn({ ...exampleSettings, evidenceLock: { ...lock, days: 365 } })).toEqual([]);
  });

  describe("of several databases", () => {
    const { database, ...rest } = exampleSettings;
    const stock = { instance: "stock", name: "warehouse", iamUser: "migrator" };
    const several = (...databases: object[]) => ({ ...rest, databases });

    test("a single one equals a list of one", () => {
      expect(parseSettings(several(database))).toEqual(parseSettings(exampleSettings));
    });

    test("each has its own settings, and otherwise those beside the list", () => {
      const own = { application: { roles: ["stock_app"] }, alarms: ["stock-latency"] };
      const { databases } = toDeployed(
        parseSettings({
          ...several(database, { ...stock, ...own }),
          application: { url: "https://orders.example.com", roles: ["app"] },
          alarms: ["latency"],
        }),
      );
      expect(databases).toEqual([
        {
          label: "orders-production",
          instance: "orders-production",
          database: "orders",
          secretArn: database.secretArn,
          applicationRoles: ["app"],
          applicationUrl: "https://orders.example.com",
          alarms: ["latency"],
        },
        {
          label: "stock",
          instance: "stock",
          database: "warehouse",
          iamUser: "migrator",
          applicationRoles: ["stock_app"],
          alarms: ["stock-latency"],
        },
      ]);
    });

    test("databases of one instance are distinguished by the database name", () => {
      const { databases } = parseSettings(several(stock, { ...stock, name: "archive" }, database));
      expect(databases.map(({ label }) => label)).toEqual([
        "stock/warehouse",
        "stock/archive",
        "orders-production",
      ]);
    });

    test.each<[string, object, string[]]>([
      [
        "a list and a single one together",
        { ...several(stock), database },
        ["databases: does not go with database"],
      ],
      ["empty lists", several(), ["databases: a list of at least one database"]],
      [
        "names that no input could hold",
        several(stock, { ...stock, name: "ware, house" }, { ...stock, name: "ware\nhouse" }),
        ["databases[1].name: cannot be given", "databases[2].name: cannot be given"],
      ],
      ["settings without a database", rest, ["database: is missing"]],
      [
        "databases listed twice",
        several(stock, { ...stock }),
        ["databases[1]: warehouse on stock is there twice"],
      ],
      [
        "mistakes in some",
        several(stock, { ...stock, instance: "sluice-x", name: "" }, { ...database, secretArn: "x" }),
        ["databases[1].instance", "databases[1].name", "databases[2].secretArn: an ARN"],
      ],
      ["two logins for one", several({ ...database, iamUser: "x" }), ["databases[0].secretArn: give either"]],
      ["unknown keys", several({ ...stock, url: "x" }), ["databases[0].url: there is no such setting"]],
    ])("%s are refused, with their place", (_, given, places) => {
      const mistakes = mistakesIn(given);
      for (const place of places) expect(mistakes.join("\n")).toContain(place);
      expect(mistakes).toHaveLength(places.length);
    });

    test("name the stack after the first, or as stackName states", () => {
      expect(stackName(parseSettings(several(database, stock)))).toBe("Sluice-orders-production");
      expect(stackName(parseSettings({ ...several(stock), stackName: "Sluice-all" }))).toBe("Sluice-all");
    });
  });

  test("settings that are missing altogether are reported", () => {
    expect(() => parseSettings(undefined)).toThrow(/One mistake in the settings .*there are none/s);
  });

  test("a production instance named like staging is refused, since staging is deleted", () => {
    const database = { ...exampleSettings.database, instance: "sluice-staging-1" };
    expect(mistakesIn({ ...exampleSettings, database })).toEqual([
      "database.instance: must not start with sluice-, the prefix of what Sluice deletes",
    ]);
  });

  test("each zone needs its subnet", () => {
    const network = { ...exampleSettings.network, subnetIds: ["subnet-0a"] };
    expect(mistakesIn({ ...exampleSettings, network })).toEqual([
      "network.subnetIds: needs one subnet for each of availabilityZones, in the same order",
    ]);
  });

  test.each([
    ["neither a secret nor an IAM user", { secretArn: undefined }],
    ["both", { iamUser: "sluice" }],
  ])("a login by %s is refused", (_, wrong) => {
    const database = { ...exampleSettings.database, ...wrong };
    expect(mistakesIn({ ...exampleSettings, database })).toEqual([
      "database.secretArn: give either this or iamUser: how the migrating role logs in",
    ]);
  });

  test("a key for a missing secret is refused", () => {
    const { instance, name } = exampleSettings.database;
    const secretKmsKeyArn = "arn:aws:kms:eu-central-1:123456789012:key/a";
    const database = { instance, name, iamUser: "sluice", secretKmsKeyArn };
    expect(mistakesIn({ ...exampleSettings, database })).toEqual([
      "database.secretKmsKeyArn: does not go with iamUser: there is no secret",
    ]);
  });

  const lookUp = { account: "123456789012", region: "eu-central-1" };
  test("a network is looked up or given completely, never half of each", () => {
    const { availabilityZones, subnetIds, ...network } = exampleSettings.network;
    expect(parseSettings({ ...exampleSettings, network: { ...network, lookUp } }).network).toMatchObject({
      lookUp: { subnets: "private" },
    });
    for (const half of [
      {},
      { subnetIds },
      { availabilityZones },
      { subnetIds, lookUp },
      { ...exampleSettings.network, lookUp },
    ])
      expect(mistakesIn({ ...exampleSettings, network: { ...network, ...half } })).toEqual([
        "network.subnetIds: give either availabilityZones and this, or lookUp",
      ]);
  });

  test("an application URL without http or https is refused", () => {
    expect(mistakesIn({ ...exampleSettings, application: { url: "ftp://app.example.com" } })).toHaveLength(1);
  });

  test("settings given as text on the command line are the same settings", () => {
    expect(parseSettings(JSON.stringify(exampleSettings))).toEqual(parseSettings(exampleSettings));
  });

  test("text that is no JSON is refused without repeating it", () => {
    expect(mistakesIn('{"secret": oops}')).toEqual(["the text given is not JSON"]);
  });

  test.each([
    [{ from: "1:00" }, "maintenanceWindow.from: a time such as 01:30"],
    [{ from: "24:00" }, "maintenanceWindow.from: a time such as 01:30"],
    [{ timeZone: "Berlin" }, "maintenanceWindow.timeZone: a time zone such as Europe/Berlin"],
    [{ timeZone: "+01:00" }, "maintenanceWindow.timeZone: a time zone such as Europe/Berlin"],
    [{ hours: 0 }, expect.stringMatching(/^maintenanceWindow\.hours: /)],
    [{ hours: 73 }, expect.stringMatching(/^maintenanceWindow\.hours: /)],
    [{ days: [] }, expect.stringMatching(/^maintenanceWindow\.days: /)],
    [{ days: ["sunday"] }, expect.stringMatching(/^maintenanceWindow\.days\[0\]: /)],
    [{ to: "07:00" }, "maintenanceWindow.to: there is no such setting"],
  ])("a maintenance window with %j is refused", (wrong, mistake) => {
    const maintenanceWindow = { days: ["sun"], from: "01:00", hours: 6, timeZone: "Europe/Berlin", ...wrong };
    expect(mistakesIn({ ...exampleSettings, maintenanceWindow })).toEqual([mistake]);
  });

  test("a copy to another Region takes a key of that Region, and an export any of its own", () => {
    const backup = (copyTo: unknown) => mistakesIn({ ...exampleSettings, backup: { copyTo } });
    expect(backup({ region: "eu-west-1" })).toEqual([]);
    expect(backup({ region: "eu-central-1", kmsKeyArn: KEY })).toEqual([]);
    expect(backup({ region: "eu-west-1", kmsKeyArn: KEY })).toEqual([
      "backup.copyTo.kmsKeyArn: must be of a key in the Region of the copy",
    ]);
    expect(backup({ region: "Ireland" })).toEqual(["backup.copyTo.region: a Region such as eu-west-1"]);
    expect(mistakesIn({ ...exampleSettings, backup: { exportTo: { bucket: "s3://orders" } } })).toHaveLength(
      2,
    );
  });

  test("an omitted setting has the careful default", () => {
    expect(parseSettings(exampleSettings)).toMatchObject({
      plan: "sql/knowledge-graph",
      databases: [{ application: { roles: [] }, alarms: [] }],
      rehearse: "before",
      fence: "connect",
      separateApprover: true,
      retentionDays: 365,
      lockTimeoutMs: 2000,
    });
  });

  test("the functions can parse the settings that they receive", () => {
    const maintenanceWindow = { from: "01:00", hours: 6, timeZone: "Europe/Berlin" };
    const backup = {
      copyTo: { region: "eu-west-1" },
      exportTo: { bucket: "orders-archive", kmsKeyArn: KEY },
    };
    for (const settings of [exampleSettings, { ...exampleSettings, maintenanceWindow, backup }]) {
      const given = {
        ...toDeployed(parseSettings(settings)),
        gateUrl: "https://gates.example.com",
      };
      expect(deployed.parse(given)).toEqual(given);
    }
  });
});

describe("docs/deploying.md", () => {
  interface Shape {
    properties?: Record<string, Shape>;
    items?: Shape;
  }
  const rows = readFileSync(new URL("../../docs/deploying.md", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  const shape = z.toJSONSchema(settings, { io: "input", unrepresentable: "any" }) as Shape;
  const grouped = ["database", "network", "application", "backup"];
  const named = Object.entries(shape.properties ?? {}).flatMap(([name, { properties, items, ...rest }]) =>
    grouped.includes(name)
      ? Object.entries(properties ?? {}).map(([inner, of]): [string, Shape] => [`${name}.${inner}`, of])
      : [[name, { properties, items, ...rest }] as [string, Shape]],
  );

  test.each(named)("describes the setting %s and everything in it", (name, { properties, items }) => {
    const row = rows.find((line) => line.split(" | ")[0]?.includes(`\`${name}\``));
    expect(row).toBeDefined();
    for (const inner of Object.keys({ ...properties, ...items?.properties }))
      expect(row).toContain(`\`${inner}\``);
  });
});
