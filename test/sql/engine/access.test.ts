import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  connectRights,
  giveBack,
  looseRoles,
  losesConnect,
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

/** Fences these roles out. Resolves to the rights that were taken. */
const take = async (roles: readonly string[]) => {
  const taken = await connectRights(session, roles);
  await takeConnect(session, taken);
  return taken;
};

describe("the fence", () => {
  test("keeps out a role that may connect through PUBLIC, through another role, or by name", async () => {
    await grant("CONNECT TO all_apps");
    await grant("CONNECT TO app");
    expect(await stillAllowed(session, ["app"])).toEqual(["app"]);
    await take(["app"]);
    expect(await stillAllowed(session, ["app"])).toEqual([]);
  });

  test("counts who acts as the application to the application, but not strangers", async () => {
    expect(await withMembers(session, ["app"])).toEqual(["app", "report"]);
  });

  test("leaves out the database's owner if the application is another role, and names the owner", async () => {
    await session.exec(`CREATE ROLE db_owner LOGIN; CREATE ROLE second LOGIN; GRANT db_owner TO second; GRANT app TO db_owner;
      DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO db_owner', current_database()); END $$`);
    expect(await withMembers(session, ["app"])).toEqual(["app", "report"]);
    expect(await looseRoles(session, ["app", "report"])).toEqual(["db_owner", "second"]);
    await take(["app"]);
    expect(await stillAllowed(session, ["app", "report"])).toEqual([]);
    await session.exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO postgres', current_database()); END $$;
      DROP ROLE db_owner, second`);
    expect(await looseRoles(session, ["app", "report"])).toEqual([]);
  });

  test("touches no other right", async () => {
    await grant("TEMPORARY TO stranger");
    await take(["app"]);
    expect((await sorted()).join()).toContain("stranger=T");
    expect((await sorted()).join()).toContain("=T/");
  });

  test("takes exactly what was noted, also the second time", async () => {
    const taken = await take(["app"]);
    await takeConnect(session, taken);
    expect(taken).toEqual([{ grantee: null, grantable: false }]);
    expect(await connectRights(session, ["app"])).toEqual([]);
  });

  test("leaves no trace where there is nothing to take", async () => {
    await session.exec(
      "DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database()); END $$",
    );
    const before = await readAccess(session);
    await giveBack(session, await take(["app"]));
    expect(await readAccess(session)).toEqual(before);
  });
});

describe("lifting the fence", () => {
  test.each(["CONNECT TO app", "CONNECT TO app WITH GRANT OPTION", "CONNECT TO all_apps", "CREATE TO app"])(
    "gives back exactly what was there: %s",
    async (right) => {
      await grant(right);
      const list = await sorted();
      const taken = await take(["app"]);
      expect(await sorted()).not.toEqual(list);
      await giveBack(session, taken);
      expect(await sorted()).toEqual(list);
      await giveBack(session, taken);
      expect(await sorted()).toEqual(list);
    },
  );

  test("leaves alone what was granted and revoked in the meantime", async () => {
    await grant("CONNECT TO app");
    await grant("TEMPORARY TO report");
    const taken = await take(["app"]);
    await grant("CREATE TO stranger");
    await grant("CONNECT TO stranger");
    await grant("CONNECT TO app WITH GRANT OPTION");
    await session.exec(
      "DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM report, PUBLIC', current_database()); END $$",
    );
    await giveBack(session, taken);
    const list = (await sorted()).join();
    expect(list).toMatch(/stranger=Cc\//);
    expect(list).toMatch(/app=c\*\//);
    expect(list).not.toContain("report");
    expect(list).toMatch(/(^|,)=c\//);
  });

  test("gives back the others' rights when a role was dropped meanwhile", async () => {
    await session.exec('CREATE ROLE "it\'s ""so""=/"; CREATE ROLE "Kept, too"');
    await grant('CONNECT TO "it\'\'s ""so""=/"');
    await grant('CONNECT TO "Kept, too" WITH GRANT OPTION');
    await grant("CONNECT TO app");
    const list = (await sorted()).filter((item) => !item.includes("so"));
    const taken = await take(["app", 'it\'s "so"=/', "Kept, too"]);
    await session.exec('DROP ROLE "it\'s ""so""=/"');
    await giveBack(session, taken);
    expect(await sorted()).toEqual(list);
    await session.exec(`DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM "Kept, too"', current_database()); END $$;
      DROP ROLE "Kept, too"`);
  });
});

describe("where the application is the database's owner", () => {
  const owned = (role: string) =>
    session.exec(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO ${role}', current_database()); END $$`,
    );
  beforeEach(async () => {
    await session.exec(`CREATE ROLE shop LOGIN; CREATE ROLE worker LOGIN; CREATE ROLE sluice LOGIN; CREATE ROLE dba LOGIN SUPERUSER;
      GRANT shop TO worker, sluice`);
    await owned("shop");
    await session.exec("SET SESSION AUTHORIZATION sluice");
  });
  afterEach(async () => {
    await session.exec("SET SESSION AUTHORIZATION postgres");
    await session.exec(
      `DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM sluice, worker', current_database()); END $$`,
    );
    await owned("postgres");
    await session.exec("DROP ROLE shop, worker, sluice, dba");
  });
  /** As fence() does it. */
  const fence = async () => {
    const roles = await withMembers(session, ["shop"]);
    const taken = await connectRights(session, roles);
    const granted = await losesConnect(session, taken);
    await takeConnect(session, taken, granted);
    return { roles, taken, granted };
  };

  test("its own CONNECT is taken, of all who act as it too, and Sluice's login gets in by name", async () => {
    const { roles, taken, granted } = await fence();
    expect(roles).toEqual(["shop", "worker"]);
    expect(granted).toEqual(["sluice"]);
    expect(taken.map(({ grantee }) => grantee)).toEqual(["shop", null]);
    expect(await stillAllowed(session, ["shop", "worker", "sluice"])).toEqual(["sluice"]);
  });

  test("all is given back exactly, and once more does no harm", async () => {
    // As a new database has it, spelled out.
    await grant("CONNECT TO PUBLIC");
    const before = await sorted();
    const { taken, granted } = await fence();
    expect(await sorted()).not.toEqual(before);
    for (let time = 0; time < 2; time++) await giveBack(session, taken, granted);
    expect(await sorted()).toEqual(before);
  });

  test("a login that has CONNECT by name keeps it, and nothing is given to it", async () => {
    await grant("CONNECT TO sluice");
    const before = await sorted();
    const { taken, granted } = await fence();
    expect(granted).toEqual([]);
    expect(await stillAllowed(session, ["shop", "sluice"])).toEqual(["sluice"]);
    await giveBack(session, taken, granted);
    expect(await sorted()).toEqual(before);
  });

  test("all is taken or nothing: a login that cannot be let in is not locked out", async () => {
    const taken = await connectRights(session, ["shop", "worker"]);
    await expect(takeConnect(session, taken, ["nobody there"])).rejects.toThrow("nobody there");
    expect(await stillAllowed(session, ["shop", "worker", "sluice"])).toEqual(["shop", "sluice", "worker"]);
  });
});
