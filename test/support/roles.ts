import type { Template } from "aws-cdk-lib/assertions";
import { CAPABILITY_METADATA } from "../../lib/functions/functions.ts";

interface Resource {
  Type: string;
  Properties?: Record<string, unknown>;
  Metadata?: Record<string, unknown>;
}

interface Statement {
  Effect: "Allow" | "Deny";
  Action: unknown;
  Resource: unknown;
}

/** A role of a template, and what its policies allow. Conditions count as met. */
export interface Role {
  /** The capability whose function has it; its logical id where it is no function's. */
  of: string;
  may(action: string, arn: string): boolean;
}

const PSEUDO: Readonly<Record<string, string>> = {
  "AWS::Partition": "aws",
  "AWS::Region": "eu-central-1",
  "AWS::AccountId": "123456789012",
};

/** Returns every role that a template creates. */
export function rolesOf(template: Template): Role[] {
  const resources = Object.entries(template.toJSON().Resources as Record<string, Resource>);
  const policies = resources.filter(([, { Type }]) => /^AWS::IAM::(Managed)?Policy$/.test(Type));
  return resources
    .filter(([, { Type }]) => Type === "AWS::IAM::Role")
    .map(([id, role]) => {
      const attached = policies.filter(([, policy]) =>
        JSON.stringify(policy.Properties?.Roles ?? []).includes(`"${id}"`),
      );
      const inline = (role.Properties?.Policies ?? []) as { PolicyDocument: unknown }[];
      const documents = [
        ...attached.map(([, { Properties }]) => Properties?.PolicyDocument),
        ...inline.map(({ PolicyDocument }) => PolicyDocument),
      ];
      const statements = documents.flatMap((document) => (document as { Statement: Statement[] }).Statement);
      const user = resources.find(
        ([, { Type, Properties }]) =>
          Type === "AWS::Lambda::Function" && JSON.stringify(Properties?.Role).includes(`"${id}"`),
      );
      return {
        of: String(user?.[1].Metadata?.[CAPABILITY_METADATA] ?? id),
        may: (action, arn) => allows(statements, action, arn),
      };
    });
}

function allows(statements: readonly Statement[], action: string, arn: string): boolean {
  const matching = statements.filter(
    (statement) => matches(statement.Action, action, "i") && matches(statement.Resource, arn, ""),
  );
  return (
    matching.some(({ Effect }) => Effect === "Allow") && !matching.some(({ Effect }) => Effect === "Deny")
  );
}

function matches(patterns: unknown, value: string, flags: string): boolean {
  return [patterns].flat().some((pattern) => {
    const escaped = textOf(pattern).replace(/[.+^${}()|[\]\\]/g, "\\$&");
    return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, flags).test(value);
  });
}

/** Resolves a value as CloudFormation would. Names that only a deployment provides stay logical ids. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  const [[name, argument] = ["", undefined]] = Object.entries(value as object);
  if (name === "Ref") return PSEUDO[String(argument)] ?? String(argument);
  if (name === "Fn::GetAtt") return String((argument as unknown[])[0]);
  if (name === "Fn::Join") {
    const [separator, parts] = argument as [string, unknown[]];
    return parts.map(textOf).join(separator);
  }
  throw new Error(`A policy holds what this does not understand: ${JSON.stringify(value)}`);
}
