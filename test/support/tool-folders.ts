import { createHash } from "node:crypto";
import type { Tool } from "../../lib/import/imported.ts";
import type { Files } from "./imported.ts";

/** A valid folder of a tool: two applied and two pending migrations. */
export interface ToolFolder {
  files: Files;
  /** The newest applied one, by the tool's name. */
  after: string;
  /** The pending ones, in order. */
  pending: [string, string];
  /** The pending ones with their own rollback. */
  back?: true;
}

const ITEM =
  "CREATE TABLE item (id int PRIMARY KEY, name text NOT NULL);\nINSERT INTO item VALUES (1, 'one');\n";
const NOTE = "CREATE TABLE note (id int PRIMARY KEY, item int REFERENCES item);\n";
const PRICE = "ALTER TABLE item ADD COLUMN price int;\n";
const INDEX = "CREATE INDEX CONCURRENTLY item_by_name ON item (name);\n";
const NO = {
  item: "DROP TABLE item;\n",
  note: "DROP TABLE note;\n",
  price: "ALTER TABLE item DROP COLUMN price;\n",
  index: "DROP INDEX CONCURRENTLY item_by_name;\n",
};

const sha1 = (text: string) => `sha1:${createHash("sha1").update(text).digest("hex")}`;

function committed(): Files {
  let previous: string | undefined;
  const bodies = [ITEM, NOTE, PRICE, `--! no-transaction\n${INDEX}`];
  return Object.fromEntries(
    bodies.map((body, index) => {
      const hash = sha1(`${`${previous ?? ""}\n${body}`.trim()}\n`);
      const text = `--! Previous: ${previous ?? "-"}\n--! Hash: ${hash}\n\n${body}`;
      previous = hash;
      return [`committed/00000${index + 1}.sql`, text];
    }),
  );
}

function sealed(files: Readonly<Record<string, string>>): Files {
  const running = createHash("sha256");
  const lines = Object.entries(files).map(([name, text]) => {
    running.update(name).update(text);
    return `${name} h1:${running.copy().digest("base64")}`;
  });
  return { ...files, "atlas.sum": `h1:of-all\n${lines.join("\n")}\n` };
}

const marked = (up: string, down: string, no = "") =>
  `-- migrate:up${no}\n${up}\n-- migrate:down${no}\n${down}`;
const annotated = (up: string, down: string, no = "") => `${no}-- +goose Up\n${up}\n-- +goose Down\n${down}`;
const changeset = (id: number, up: string, down: string, more = "") =>
  `--changeset ann:${id}${more}\n${up}--rollback ${down}\n`;
const planned = (name: string, more = "") =>
  `${name}${more} 2026-01-28T11:54:14Z Ann <ann@example.org> # ${name}\n`;
const own = (sql: string) => `BEGIN;\n${sql}COMMIT;\n`;

export const TOOL_FOLDERS: Readonly<Record<Tool, ToolFolder>> = {
  alembic: {
    files: {
      "up.sql": `BEGIN;\n-- Running upgrade  -> a1\n${ITEM}INSERT INTO alembic_version (version_num) VALUES ('a1');\n-- Running upgrade a1 -> b2\n${NOTE}UPDATE alembic_version SET version_num='b2' WHERE alembic_version.version_num = 'a1';\n-- Running upgrade b2 -> c3\n${PRICE}UPDATE alembic_version SET version_num='c3' WHERE alembic_version.version_num = 'b2';\n-- Running upgrade c3 -> d4\nCOMMIT;\n${INDEX}BEGIN;\nUPDATE alembic_version SET version_num='d4' WHERE alembic_version.version_num = 'c3';\nCOMMIT;\n`,
      "down.sql": `BEGIN;\n-- Running downgrade d4 -> c3\nCOMMIT;\n${NO.index}BEGIN;\nUPDATE alembic_version SET version_num='c3' WHERE alembic_version.version_num = 'd4';\n-- Running downgrade c3 -> b2\n${NO.price}UPDATE alembic_version SET version_num='b2' WHERE alembic_version.version_num = 'c3';\nCOMMIT;\n`,
    },
    after: "b2",
    pending: ["c3", "d4"],
    back: true,
  },
  atlas: {
    files: sealed({
      "1_a.sql": ITEM,
      "2_b.sql": NOTE,
      "3_c.sql": PRICE,
      "4_d.sql": `-- atlas:txmode none\n\n${INDEX}`,
    }),
    after: "2",
    pending: ["3", "4"],
  },
  dbmate: {
    files: {
      "20260101000001_a.sql": marked(ITEM, NO.item),
      "20260101000002_b.sql": marked(NOTE, NO.note),
      "20260101000003_c.sql": marked(PRICE, NO.price),
      "20260101000004_d.sql": marked(INDEX, NO.index, " transaction:false"),
    },
    after: "20260101000002",
    pending: ["20260101000003", "20260101000004"],
    back: true,
  },
  django: {
    files: {
      "shop.0001_a.sql": own(`--\n-- Create model Item\n--\n${ITEM}`),
      "shop.0002_b.sql": own(NOTE),
      "shop.0003_c.sql": own(PRICE),
      "shop.0003_c.backwards.sql": own(NO.price),
      "shop.0004_d.sql": INDEX,
      "shop.0004_d.backwards.sql": NO.index,
    },
    after: "shop.0002_b",
    pending: ["shop.0003_c", "shop.0004_d"],
    back: true,
  },
  drizzle: {
    files: {
      "meta/_journal.json": JSON.stringify({
        dialect: "postgresql",
        entries: ["0000_a", "0001_b", "0002_c", "0003_d"].map((tag, idx) => ({
          idx,
          when: 1_700_000_000_001 + idx,
          tag,
        })),
      }),
      "0000_a.sql": ITEM.replace(";\n", ";--> statement-breakpoint\n"),
      "0001_b.sql": NOTE,
      "0002_c.sql": PRICE,
      "0003_d.sql": INDEX.replace(" CONCURRENTLY", ""),
    },
    after: "0001_b",
    pending: ["0002_c", "0003_d"],
  },
  flyway: {
    files: {
      "V1__a.sql": ITEM,
      "V1.1__b.sql": NOTE,
      "V1.2__c.sql": PRICE,
      "U1.2__c.sql": NO.price,
      "V1.10__d.sql": INDEX,
      "V1.10__d.sql.conf": "executeInTransaction=false",
      "U1.10__d.sql": NO.index,
    },
    after: "1.1",
    pending: ["1.2", "1.10"],
    back: true,
  },
  "golang-migrate": {
    files: {
      "000001_a.up.sql": ITEM,
      "000002_b.up.sql": NOTE,
      "000003_c.up.sql": PRICE,
      "000003_c.down.sql": NO.price,
      "000004_d.up.sql": INDEX,
      "000004_d.down.sql": NO.index,
    },
    after: "2",
    pending: ["3", "4"],
    back: true,
  },
  goose: {
    files: {
      "00001_a.sql": annotated(ITEM, NO.item),
      "00002_b.sql": annotated(NOTE, NO.note),
      "00003_c.sql": annotated(PRICE, NO.price),
      "00004_d.sql": annotated(INDEX, NO.index, "-- +goose NO TRANSACTION\n"),
    },
    after: "2",
    pending: ["3", "4"],
    back: true,
  },
  "graphile-migrate": { files: committed(), after: "000002", pending: ["000003", "000004"] },
  liquibase: {
    files: {
      "changes.sql": `--liquibase formatted sql\n${changeset(1, ITEM, NO.item)}${changeset(2, NOTE, NO.note)}${changeset(3, PRICE, NO.price)}${changeset(4, INDEX, NO.index, " runInTransaction:false")}`,
    },
    after: "ann:2",
    pending: ["ann:3", "ann:4"],
    back: true,
  },
  "node-pg-migrate": {
    files: {
      "1700000000001_a.sql": `-- Up Migration\n${ITEM}\n-- Down Migration\n${NO.item}`,
      "1700000000002_b.sql": `-- Up Migration\n${NOTE}\n-- Down Migration\n${NO.note}`,
      "1700000000003_c.sql": `-- Up Migration\n${PRICE}\n-- Down Migration\n${NO.price}`,
      "1700000000004_d.sql": `-- Up Migration\n${INDEX.replace(" CONCURRENTLY", "")}\n-- Down Migration\n${NO.index.replace(" CONCURRENTLY", "")}`,
    },
    after: "1700000000002_b",
    pending: ["1700000000003_c", "1700000000004_d"],
    back: true,
  },
  numbered: {
    files: {
      "001_a/up.sql": ITEM,
      "002_b/up.sql": NOTE,
      "003_c/up.sql": PRICE,
      "003_c/down.sql": NO.price,
      "004_d/up.sql": INDEX,
      "004_d/down.sql": NO.index,
    },
    after: "002",
    pending: ["003", "004"],
    back: true,
  },
  postgrator: {
    files: {
      "001.do.a.sql": ITEM,
      "002.do.b.sql": NOTE,
      "003.do.c.sql": PRICE,
      "003.undo.c.sql": NO.price,
      "004.do.d.sql": INDEX,
      "004.undo.d.sql": NO.index,
    },
    after: "2",
    pending: ["3", "4"],
    back: true,
  },
  prisma: {
    files: {
      "migration_lock.toml": 'provider = "postgresql"\n',
      "20260101000001_a/migration.sql": ITEM,
      "20260101000002_b/migration.sql": NOTE,
      "20260101000003_c/migration.sql": PRICE,
      "20260101000004_d/migration.sql": INDEX,
    },
    after: "20260101000002_b",
    pending: ["20260101000003_c", "20260101000004_d"],
  },
  sqitch: {
    files: {
      "sqitch.plan": `%syntax-version=1.0.0\n%project=shop\n\n${planned("item")}${planned("note", " [item]")}@v1 2026-01-28T11:54:15Z Ann <ann@example.org> # first\n${planned("price", " [item !note2]")}${planned("names")}`,
      "deploy/item.sql": own(ITEM),
      "deploy/note.sql": own(NOTE),
      "deploy/price.sql": own(PRICE),
      "revert/price.sql": own(NO.price),
      "verify/price.sql": "BEGIN;\nSELECT price FROM item WHERE FALSE;\nROLLBACK;\n",
      "deploy/names.sql": INDEX,
      "revert/names.sql": NO.index,
    },
    after: "note",
    pending: ["price", "names"],
    back: true,
  },
  sqlx: {
    files: {
      "1_a.sql": ITEM,
      "2_b.sql": NOTE,
      "3_c.up.sql": PRICE,
      "3_c.down.sql": NO.price,
      "4_d.up.sql": `-- no-transaction\n${INDEX}`,
      "4_d.down.sql": NO.index,
    },
    after: "2",
    pending: ["3", "4"],
    back: true,
  },
  tern: {
    files: {
      "001_a.sql": ITEM,
      "002_b.sql": NOTE,
      "003_c.sql": `${PRICE}---- create above / drop below ----\n${NO.price}`,
      "004_d.sql": `---- tern: disable-tx ----\n${INDEX}---- create above / drop below ----\n---- tern: disable-tx ----\n${NO.index}`,
    },
    after: "2",
    pending: ["3", "4"],
    back: true,
  },
  yoyo: {
    files: {
      "0001.a.sql": ITEM,
      "0002.b.sql": `-- depends: 0001.a\n${NOTE}`,
      "0003.c.sql": `-- depends: 0002.b\n${PRICE}`,
      "0003.c.rollback.sql": NO.price,
      "0004.d.sql": `-- depends: 0003.c\n-- transactional: false\n${INDEX}`,
      "0004.d.rollback.sql": NO.index,
    },
    after: "0002.b",
    pending: ["0003.c", "0004.d"],
    back: true,
  },
};
