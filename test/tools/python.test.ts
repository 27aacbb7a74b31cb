import { delimiter, join } from "node:path";
import { vi } from "vitest";
import { agrees, down, numbersIn, up, upTo } from "./agrees.ts";
import { installed } from "./install.ts";
import type { Place } from "./place.ts";

const { python } = await installed();
const program = (name: string) => join(python, "bin", name);
// `sluice import --call` takes what is in PATH, as in an activated environment.
vi.stubEnv("PATH", [join(python, "bin"), process.env.PATH].join(delimiter));
vi.stubEnv("PYTHON", program("python"));

agrees({
  tool: "alembic",
  write: async (at, count) => {
    await at.write("alembic.ini", "[alembic]\nscript_location = alembic\n");
    await at.write(
      "alembic/env.py",
      `import os
from alembic import context
from sqlalchemy import create_engine


def run(**options):
    context.configure(**options)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run(dialect_name="postgresql")
else:
    with create_engine(os.environ["ALEMBIC_URL"]).connect() as connection:
        run(connection=connection)
`,
    );
    for (const n of upTo(count))
      await at.write(
        `alembic/versions/made${n}.py`,
        `from alembic import op

revision = "made${n}"
down_revision = ${n === 1 ? "None" : `"made${n - 1}"`}


def upgrade():
    op.execute("${up(n)}")


def downgrade():
    op.execute("${down(n)}")
`,
      );
  },
  up: (at) => alembic(at, "upgrade", "head"),
  imports: { from: "alembic", args: ["--call"] },
  applied: async (at) => upTo(numbersIn(await alembic(at, "current"), /^made(\d+)/)[0] ?? 0),
  differs: [],
});
const alembic = (at: Place, ...args: string[]) =>
  at.run(program("alembic"), args, { ALEMBIC_URL: at.url.replace("postgres:", "postgresql+psycopg:") });

agrees({
  tool: "django",
  write: async (at, count) => {
    await at.write(
      "settings.py",
      `import os

INSTALLED_APPS = ["shop"]
SECRET_KEY = "of a test"
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("DJANGO_DATABASE"),
        "USER": "${at.user}",
        "HOST": "${at.server.hostname}",
        "PORT": "${at.server.port}",
    }
}
`,
    );
    await at.write(
      "manage.py",
      `import os
import sys
from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
`,
    );
    await at.write("shop/__init__.py", "");
    await at.write("shop/migrations/__init__.py", "");
    for (const n of upTo(count))
      await at.write(
        `shop/migrations/000${n}_made.py`,
        `from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [${n === 1 ? "" : `("shop", "000${n - 1}_made")`}]
    operations = [migrations.RunSQL("${up(n)}", "${down(n)}")]
`,
      );
  },
  up: (at) => django(at, "migrate"),
  imports: { from: "shop", args: ["--call"] },
  applied: async (at) => numbersIn(await django(at, "showmigrations"), /^ \[X\] 000(\d)_made/),
  // Exits with 1 where something is pending.
  validate: (at) => django(at, "migrate", "--check"),
  differs: ["applied"],
});
const django = (at: Place, ...args: string[]) =>
  at.run(program("python"), ["manage.py", ...args], { DJANGO_DATABASE: at.database });

agrees({
  tool: "yoyo",
  write: (at, count) =>
    Promise.all(
      upTo(count).map(async (n) => {
        await at.write(`000${n}.made.sql`, up(n));
        await at.write(`000${n}.made.rollback.sql`, down(n));
      }),
    ),
  up: (at) => yoyo(at, "apply"),
  applied: async (at) => numbersIn(await yoyo(at, "list"), /^A\s+000(\d)\.made/),
  differs: ["applied_at_utc"],
});
const yoyo = (at: Place, what: string) =>
  at.run(program("yoyo"), [what, "--batch", "--no-config-file", "-d", at.url, "."]);
