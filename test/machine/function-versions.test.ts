import { Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { CAPABILITY_METADATA } from "../../lib/functions/functions.ts";
import { MACHINE_METADATA, type MachineName } from "../../lib/machine/phases.ts";
import { fullSettings, makeApp } from "../support/stack.ts";

// An execution keeps the definition that it was started with. The functions in that definition must exist as long, and
// stay the same, whatever is deployed meanwhile.

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  Metadata?: Record<string, unknown>;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
}

type Resources = Readonly<Record<string, Resource>>;

async function deployed(options: Parameters<typeof makeApp>[0] = {}): Promise<Resources> {
  return Template.fromStack((await makeApp(options)).stack).toJSON().Resources as Resources;
}

const ofType = (resources: Resources, type: string) =>
  Object.entries(resources).filter(([, { Type }]) => Type === type);

/** Returns the id of each capability's version. It changes when any part of the version changes. */
function versionsOf(resources: Resources): Readonly<Record<string, string>> {
  return Object.fromEntries(
    ofType(resources, "AWS::Lambda::Version").map(([id, { Properties }]) => {
      const { Ref } = Properties.FunctionName as { Ref: string };
      return [String(resources[Ref]?.Metadata?.[CAPABILITY_METADATA]), id];
    }),
  );
}

const changed = (before: Resources, after: Resources) => {
  const [was, is] = [versionsOf(before), versionsOf(after)];
  return Object.keys(was).filter((name) => was[name] !== is[name]);
};

let resources: Resources;
beforeAll(async () => {
  resources = await deployed();
});

describe("an execution that a later deployment finds under way", () => {
  test.each<MachineName>(["run", "clean-up"])(
    "calls versions alone (%s), never what is deployed then",
    (name) => {
      const machine = Object.values(resources).find(({ Metadata }) => Metadata?.[MACHINE_METADATA] === name);
      const text = JSON.stringify(machine?.Properties.DefinitionString);
      const versions = new Set(Object.values(versionsOf(resources)));
      const refs = [...text.matchAll(/{"Ref":"(?!AWS::)(\w+)"}/g)].map(([, id]) => id ?? "");
      expect(refs.length).toBeGreaterThan(30);
      expect(refs.filter((id) => !versions.has(id))).toEqual([]);
      expect(text).not.toContain("Fn::GetAtt");
    },
  );

  test("finds its versions there still, while one of a deployment that failed is not in the way of the next", () => {
    const versions = ofType(resources, "AWS::Lambda::Version");
    expect(versions.length).toBeGreaterThan(20);
    for (const [, { DeletionPolicy, UpdateReplacePolicy }] of versions)
      expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(["RetainExceptOnCreate", "Retain"]);
  });

  test("may call them, and the function itself, as what was started before there were versions does", () => {
    for (const name of ["run", "clean-up"] as const) {
      const [id] = Object.entries(resources).find(
        ([, { Metadata }]) => Metadata?.[MACHINE_METADATA] === name,
      ) ?? [""];
      const role = /"RoleArn":{"Fn::GetAtt":\["(\w+)"/.exec(JSON.stringify(resources[id]?.Properties))?.[1];
      const policies = ofType(resources, "AWS::IAM::Policy").filter(([, { Properties }]) =>
        JSON.stringify(Properties.Roles).includes(`"${role}"`),
      );
      const text = JSON.stringify(policies);
      const called = JSON.stringify(resources[id]?.Properties.DefinitionString);
      for (const [capability, version] of Object.entries(versionsOf(resources))) {
        const [, made] =
          /"Ref":"(\w+)"/.exec(JSON.stringify(resources[version]?.Properties.FunctionName)) ?? [];
        const arn = `{"Fn::GetAtt":["${made}","Arn"]}`;
        const itself = text.replaceAll(`[${arn},":*"]`, "").includes(arn);
        const may = itself && text.includes(`{"Fn::Join":["",[${arn},":*"]]}`);
        expect([name, capability, may]).toEqual([name, capability, called.includes(`"${version}"`)]);
      }
    }
  });
});

describe("a version is another", () => {
  test("where what belongs to it is: of another plan these are admit's, the rollout's and the watch's, which know it", async () => {
    const other = await deployed({ planFolder: "sql/knowledge-graph" });
    expect(changed(resources, other)).toEqual(["admit", "watch", "rollout"]);
  });

  test("and is the same where that is, as Lambda makes no second one of it", async () => {
    expect(changed(resources, await deployed())).toEqual([]);
    const settings = { ...fullSettings, reserveConcurrency: false };
    expect(changed(resources, await deployed({ settings }))).toEqual([]);
  });
});
