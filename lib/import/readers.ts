import type { ImportedFolder, Tool } from "./imported.ts";
import type { SourceFolder } from "./source.ts";
import { readAlembic } from "./tools/alembic.ts";
import { readAtlas } from "./tools/atlas.ts";
import { readDbmate } from "./tools/dbmate.ts";
import { readDjango } from "./tools/django.ts";
import { readDrizzle } from "./tools/drizzle.ts";
import { readFlyway } from "./tools/flyway.ts";
import { readGoose } from "./tools/goose.ts";
import { readGraphileMigrate } from "./tools/graphile-migrate.ts";
import { readLiquibase } from "./tools/liquibase.ts";
import { readNodePgMigrate } from "./tools/node-pg-migrate.ts";
import { readNumbered } from "./tools/numbered.ts";
import { readPrisma } from "./tools/prisma.ts";
import { readSqitch } from "./tools/sqitch.ts";
import { readTern } from "./tools/tern.ts";
import { readGolangMigrate, readPostgrator, readSqlx } from "./tools/up-down-files.ts";
import { readYoyo } from "./tools/yoyo.ts";

export const READERS: Readonly<Record<Tool, (folder: SourceFolder) => ImportedFolder>> = {
  alembic: readAlembic,
  atlas: readAtlas,
  dbmate: readDbmate,
  django: readDjango,
  drizzle: readDrizzle,
  flyway: readFlyway,
  "golang-migrate": readGolangMigrate,
  goose: readGoose,
  "graphile-migrate": readGraphileMigrate,
  liquibase: readLiquibase,
  "node-pg-migrate": readNodePgMigrate,
  numbered: readNumbered,
  postgrator: readPostgrator,
  prisma: readPrisma,
  sqitch: readSqitch,
  sqlx: readSqlx,
  tern: readTern,
  yoyo: readYoyo,
};

/** Names of the tools for people. */
export const TOOL_NAMES: Readonly<Record<Tool, string>> = {
  alembic: "Alembic",
  atlas: "Atlas",
  dbmate: "dbmate",
  django: "Django",
  drizzle: "Drizzle",
  flyway: "Flyway",
  "golang-migrate": "golang-migrate",
  goose: "goose",
  "graphile-migrate": "graphile-migrate",
  liquibase: "Liquibase",
  "node-pg-migrate": "node-pg-migrate",
  numbered: "the tool that runs these files",
  postgrator: "postgrator",
  prisma: "Prisma",
  sqitch: "Sqitch",
  sqlx: "sqlx",
  tern: "tern",
  yoyo: "yoyo",
};
