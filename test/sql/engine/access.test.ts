import { beforeEach, describe, expect, test } from "vitest";
import {
  giveBack,
  readAccess,
  stillAllowed,
  takeConnect,
  withMembers,
} from "../../../lambdas/fence/access.ts";
import { useEmbedded } from "../../support/embedded.ts";

const session = useEmbedded(`
  CREATE ROLE app; CREATE ROLE report LOGIN; CREATE ROLE stranger LOGIN; CREATE ROLE all_apps; GRANT all_apps TO app; GRANT app TO report;`);
const sorted = async () => ((await readAccess(session)) ?? ["default"]).sort();

beforeEach(async () => {
  await session.exec(`DO $$ BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC, app, report, stranger, all_apps', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO PUBLIC', current_database()); END $$`);
});
const grant = (what: string) =>
  session.exec(
    `DO $$ BEGIN EXECUTE format('GRANT ${what.replace(" TO ", " ON DATABASE %I TO ")}', current_database()); END $$`,
  );

describe("the fence", () => {
  test("keeps out a role that may connect through PUBLIC, through another role, or by name", async () => {
    await grant("CONNECT TO all_apps");
    await grant("CONNECT TO app");
    expect(await stillAllowed(session, ["app"])).toEqual(["app"]);
    await takeConnect(session, ["app"]);
    expect(await stillAllowed(session, ["app"])).toEqual([]);
  });

  test("counts who acts as the application to the application, but not strangers", async () => {
    expect(await withMembers(session, ["app"])).toEqual(["app", "report"]);
  });

  test("touches no other right", async () => {
    await grant("TEMPORARY TO stranger");
    await takeConnect(session, ["app"]);
    expect((await sorted()).join()).toContain("stranger=T");
    expect((await sorted()).join()).toContain("=T/");
  });
});

describe("lifting the fence", () => {
  test.each(["CONNECT TO app", "CONNECT TO app WITH GRANT OPTION", "CONNECT TO all_apps", "CREATE TO app"])(
    "gives back exactly what was there: %s",
    async (right) => {
      await grant(right);
      const before = await readAccess(session);
      const list = await sorted();
      await takeConnect(session, ["app"]);
      expect(await sorted()).not.toEqual(list);
      await giveBack(session, before);
      expect(await sorted()).toEqual(list);
      await giveBack(session, before);
      expect(await sorted()).toEqual(list);
    },
  );

  test("takes away what was granted meanwhile", async () => {
    const before = await readAccess(session);
    await grant("CREATE TO stranger");
    await giveBack(session, before);
    expect((await sorted()).join()).not.toContain("stranger");
  });

  test("gives back the others' rights when a role of the list was dropped meanwhile", async () => {
    await session.exec('CREATE ROLE "it\'s ""so""=/"; CREATE ROLE "Kept, too"');
    await grant('CONNECT TO "it\'\'s ""so""=/"');
    await grant('CONNECT TO "Kept, too" WITH GRANT OPTION');
    await grant("CONNECT TO app");
    const before = await readAccess(session);
    await takeConnect(session, ["app", 'it\'s "so"=/', "Kept, too"]);
    const list = (before ?? []).filter((item) => !item.includes("so"));
    await session.exec('DROP ROLE "it\'s ""so""=/"');
    await giveBack(session, before);
    expect(await sorted()).toEqual(list.sort());
    await session.exec(`DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM "Kept, too"', current_database()); END $$;
      DROP ROLE "Kept, too"`);
  });

  test("takes nobody's right because who granted it was dropped meanwhile", async () => {
    const before = ((await readAccess(session)) ?? []).map((item) => item.replace(/\/.*/, "/former_owner"));
    const list = await sorted();
    await takeConnect(session, ["app"]);
    await giveBack(session, before);
    expect(await sorted()).toEqual(list);
  });

  test("a list that gave nobody anything is not the default list", async () => {
    await session.exec(
      "DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()); END $$",
    );
    await giveBack(session, []);
    expect(await stillAllowed(session, ["app"])).toEqual([]);
  });
});
