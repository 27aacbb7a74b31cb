import {
  type RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
} from "@aws-sdk/client-rds";
import { messageOf } from "../errors.ts";
import type { RestoreBegun, RestorePurpose } from "../ports.ts";
import { awsErrorName } from "./error-name.ts";
import { isBusy, refusal } from "./rds-errors.ts";
import type { RestoreRequest } from "./rds-restore.ts";

/** What an instance is restored from. */
export type RestoreSource = { snapshot: string } | { instance: string; at: Date };

/** What can be given afterwards: by what RDS calls its refusal, where that says which it is. */
const CAN_WAIT: readonly { what: string; keys: readonly (keyof RestoreRequest)[]; named: RegExp }[] = [
  {
    what: "the certificate authority",
    keys: ["CACertificateIdentifier"],
    named: /^CertificateNotFound$/,
  },
  { what: "the option group", keys: ["OptionGroupName"], named: /^OptionGroupNotFound$/ },
  { what: "the network type", keys: ["NetworkType"], named: /^NetworkTypeNotSupported$/ },
  {
    what: "the kind of storage",
    keys: ["StorageType", "Iops", "StorageThroughput", "DedicatedLogVolume"],
    named: /^(ProvisionedIopsNotAvailableInAZ|StorageTypeNot(Supported|Available))$/,
  },
  {
    what: "logs, upgrades, support and tags",
    keys: [
      "EnableCloudwatchLogsExports",
      "AutoMinorVersionUpgrade",
      "CopyTagsToSnapshot",
      "EngineLifecycleSupport",
      "Tags",
    ],
    named: /Tag/,
  },
];

/** A wish of the request is wrong, and RDS does not say by a name which. */
const UNNAMED = /^(InvalidParameter(Value|Combination)?|ValidationError)$/;

/** How RDS refuses a moment that its archive has not come to yet, also as an InvalidParameterValue. */
const TOO_LATE = /cannot be restored to a time later than/;

/** The same for one that it has let go of. */
const TOO_EARLY = /cannot be restored to a time earlier than/;

// Staging may be on its way out, or somebody makes room; after that a person must hear of it.
const ROOM_MINUTES = 30;

/**
 * Sends the request. What is refused and is not data is left out, and the rest asked for again. Of staging the parameter
 * group is never left out: it decides how SQL behaves. Production without it is still better than none.
 * @throws SluiceError FleetFailed for what is refused for good
 */
export async function beginRestore(
  client: RDSClient,
  source: RestoreSource,
  instance: string,
  request: RestoreRequest,
  purpose: RestorePurpose,
): Promise<RestoreBegun | undefined> {
  const without: string[] = [];
  for (let asked = request; ; ) {
    try {
      await send(client, source, instance, asked);
      return without.length > 0 ? { without } : undefined;
    } catch (error) {
      const name = awsErrorName(error);
      if (name === "DBInstanceAlreadyExists" || isBusy(error))
        return without.length > 0 ? { without } : undefined;
      const why = `${name}: ${messageOf(error)}`;
      if (name === "InsufficientDBInstanceCapacity") return { waits: { why }, without };
      if (purpose === "production" && /^(Instance|Storage)QuotaExceeded$/.test(name))
        return { waits: { why, minutes: ROOM_MINUTES }, without };
      if (TOO_LATE.test(why)) return { waits: { why }, without };
      // Of a moment that is gone no setting is to blame.
      const less = TOO_EARLY.test(why) ? undefined : lessOf(asked, name, purpose);
      if (!less) throw refusal(error, `restore ${sourceText(source)} as ${instance}`);
      without.push(`${less.what}: ${why}`);
      asked = less.request;
    }
  }
}

function send(client: RDSClient, source: RestoreSource, instance: string, request: RestoreRequest) {
  return "snapshot" in source
    ? client.send(
        new RestoreDBInstanceFromDBSnapshotCommand({
          ...request,
          DBSnapshotIdentifier: source.snapshot,
          DBInstanceIdentifier: instance,
        }),
      )
    : client.send(
        new RestoreDBInstanceToPointInTimeCommand({
          ...request,
          SourceDBInstanceIdentifier: source.instance,
          RestoreTime: source.at,
          TargetDBInstanceIdentifier: instance,
        }),
      );
}

function sourceText(source: RestoreSource): string {
  return "snapshot" in source ? source.snapshot : `${source.instance} at ${source.at.toISOString()}`;
}

/** The request without what the refusal names or, where it names nothing, without all that can wait; undefined: all is needed. */
function lessOf(
  asked: RestoreRequest,
  name: string,
  purpose: RestorePurpose,
): { what: string; request: RestoreRequest } | undefined {
  const given = CAN_WAIT.filter(({ keys }) => keys.some((key) => asked[key] !== undefined));
  const named = given.filter((part) => part.named.test(name));
  const parts = named.length > 0 ? named : UNNAMED.test(name) ? given : [];
  if (parts.length > 0)
    return {
      what: parts.map(({ what }) => what).join(", "),
      request: dropped(
        asked,
        parts.flatMap(({ keys }) => keys),
      ),
    };
  const group = name === "DBParameterGroupNotFound" || UNNAMED.test(name);
  if (purpose === "staging" || !group || asked.DBParameterGroupName === undefined) return undefined;
  return { what: "the parameter group", request: dropped(asked, ["DBParameterGroupName"]) };
}

function dropped(request: RestoreRequest, keys: readonly (keyof RestoreRequest)[]): RestoreRequest {
  return { ...request, ...Object.fromEntries(keys.map((key) => [key, undefined])) };
}
