import { readFile } from "node:fs/promises";

/** The SQL that docs/plan-format.md shows under "Keep what you drop", by file name. */
export async function keptPattern(): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(new URL("../../docs/plan-format.md", import.meta.url), "utf8");
  const section = /### Keep what you drop\n([\s\S]*?)\n### /.exec(text)?.[1] ?? "";
  const blocks = [...section.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql]) => sql ?? "");
  const files = blocks.flatMap((sql) => sql.split(/^-- (?=\d+_\w+\/\w+\.sql$)/m).filter(Boolean));
  return new Map(
    files.map((file) => {
      const end = file.indexOf("\n");
      return [file.slice(0, end), file.slice(end + 1)];
    }),
  );
}

/** The schema that it starts from. */
export const BEFORE_KEEPING = `
CREATE TABLE orders (id int PRIMARY KEY, code text NOT NULL, note text);
CREATE INDEX orders_code ON orders (code);
INSERT INTO orders SELECT n, 'code of order ' || n, 'note' FROM generate_series(1, 100) AS n;
CREATE TABLE carts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id int REFERENCES orders (id));
INSERT INTO carts (order_id) SELECT id FROM orders;
`;
