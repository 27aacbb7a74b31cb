import {
  AddRoleToDBInstanceCommand,
  AddTagsToResourceCommand,
  type DBInstance,
  ModifyDBInstanceCommand,
  type RDSClient,
  RebootDBInstanceCommand,
} from "@aws-sdk/client-rds";
import { SluiceError } from "../errors.ts";
import type { RestorePurpose, SettingsGiven } from "../ports.ts";
import { storageText } from "../storage-text.ts";
import { asked, modified, modifyingInstance } from "./rds-modify.ts";
import { missingRoles, missingSettings } from "./rds-restore.ts";
import type { RdsSettings } from "./rds-settings.ts";
import { storageWork } from "./rds-status.ts";
import { tagList } from "./rds-tags.ts";

/**
 * One step nearer to the settings wanted: what can be asked for now is. What RDS refuses keeps nothing else from being
 * given, and is asked for again at the next call.
 * @throws SluiceError FleetFailed where RDS refuses what staging cannot be without
 */
export async function giveSettings(
  client: RDSClient,
  db: DBInstance,
  like: RdsSettings,
  purpose: RestorePurpose,
): Promise<SettingsGiven> {
  const instance = db.DBInstanceIdentifier ?? "";
  const refused: string[] = [];
  const ask = async (what: string, done: string | undefined, call: () => Promise<unknown>) => {
    const answer = await asked(what, instance, done, call);
    if (answer instanceof SluiceError) refused.push(`${what}: ${answer.message}`);
    return !(answer instanceof SluiceError);
  };
  const changing = { changing: true, refused, underWay: [] };

  const changes = missingSettings(db, like, purpose);
  if (await modified(instance, changes, modifyingInstance(client, instance), purpose, refused))
    return changing;
  for (const role of missingRoles(db, like, purpose))
    if (
      await ask(`the role ${role.arn}`, "DBInstanceRoleAlreadyExists", () =>
        client.send(
          new AddRoleToDBInstanceCommand({
            DBInstanceIdentifier: instance,
            RoleArn: role.arn,
            FeatureName: role.feature,
          }),
        ),
      )
    )
      return changing;
  const tags = Object.entries(like.tags).filter(
    ([key]) => !(db.TagList ?? []).some(({ Key }) => Key === key),
  );
  if (purpose === "production" && tags.length > 0)
    await ask("tags", undefined, () =>
      client.send(
        new AddTagsToResourceCommand({
          ResourceName: db.DBInstanceArn,
          Tags: tagList(Object.fromEntries(tags)),
        }),
      ),
    );
  const state = db.DBParameterGroups?.[0]?.ParameterApplyStatus ?? "in-sync";
  if (state === "pending-reboot")
    return (await ask("the reboot that its parameters wait for", undefined, () =>
      client.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: instance })),
    ))
      ? changing
      : { changing: false, refused, underWay: [] };
  if (state !== "in-sync" || isChanging(db)) return changing;
  return await secondZone(client, db, like, purpose, refused);
}

/** Production is in use meanwhile, and the conversion may take hours: it is asked for last, and not waited for. */
async function secondZone(
  client: RDSClient,
  db: DBInstance,
  like: RdsSettings,
  purpose: RestorePurpose,
  refused: string[],
): Promise<SettingsGiven> {
  const instance = db.DBInstanceIdentifier ?? "";
  const given = { changing: false, refused, underWay: purpose === "staging" ? [] : filling(db) };
  if (purpose === "staging" || !like.multiAz || db.MultiAZ) return given;
  if (db.PendingModifiedValues?.MultiAZ !== true) {
    const answer = await asked("a second zone", instance, undefined, () =>
      client.send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: instance,
          ApplyImmediately: true,
          MultiAZ: true,
        }),
      ),
    );
    if (answer === "busy") return { ...given, changing: true };
    if (answer instanceof SluiceError)
      return { ...given, refused: [...refused, `a second zone (Multi-AZ): ${answer.message}`] };
  }
  const converted = `${instance} is being converted to Multi-AZ: it has no standby until that is done.`;
  return { ...given, underWay: [converted, ...given.underWay] };
}

function filling(db: DBInstance): string[] {
  const work = storageWork(db);
  return work === undefined
    ? []
    : [
        `The storage of ${db.DBInstanceIdentifier} is at work (${storageText(work)}): it is slower than usual until that is done.`,
      ];
}

// RDS shows a change among the pending ones for a while before its status says "modifying".
function isChanging({ PendingModifiedValues }: DBInstance): boolean {
  return Object.entries(PendingModifiedValues ?? {}).some(
    ([key, value]) => key !== "MultiAZ" && value !== undefined,
  );
}
