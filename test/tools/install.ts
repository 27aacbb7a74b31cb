import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

// The real tools, in the versions that docs/version-tables.md was seen with. Each registry's go into a folder of their
// own, which is used again as long as nothing of what is installed changes.

const run = promisify(execFile);
const here = (file: string) => new URL(file, import.meta.url).pathname;

const NPM = {
  dbmate: "2.36.0",
  "drizzle-kit": "0.31.11",
  "drizzle-orm": "0.45.4",
  "graphile-migrate": "1.4.1",
  knex: "3.3.0",
  "node-pg-migrate": "9.0.0",
  pg: "8.23.1",
  postgrator: "8.0.0",
};

/** Each with the build tags that leave out other databases. */
const GO: readonly (readonly [string, string])[] = [
  ["github.com/jackc/tern/v2@v2.3.4", ""],
  ["github.com/golang-migrate/migrate/v4/cmd/migrate@v4.20.1", "postgres"],
  [
    "github.com/pressly/goose/v3/cmd/goose@v3.30.1",
    "no_clickhouse no_libsql no_mssql no_mysql no_sqlite3 no_starrocks no_vertica no_ydb",
  ],
];

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "sluice");

interface Registry {
  name: string;
  /** Programs that must be there already, each with how to ask for it. */
  needs: readonly (readonly [string, readonly string[]])[];
  /** What a machine without them takes. */
  mend: string;
  /** All that is installed: another text, another folder. */
  what: () => Promise<string>;
  install: (folder: string) => Promise<unknown>;
}

const REGISTRIES: readonly Registry[] = [
  {
    name: "npm",
    needs: [["npm", ["--version"]]],
    mend: "npm, which comes with Node",
    what: async () => JSON.stringify(NPM) + (await readFile(here("postgrator.mjs"), "utf8")),
    install: async (folder) => {
      const packages = Object.entries(NPM).map(([name, version]) => `${name}@${version}`);
      await writeFile(join(folder, "package.json"), '{"private":true}');
      await run("npm", ["install", "--no-audit", "--no-fund", "--prefix", folder, ...packages]);
      // A module is looked for beside where the file itself is.
      await writeFile(join(folder, "postgrator.mjs"), await readFile(here("postgrator.mjs")));
    },
  },
  {
    name: "go",
    needs: [["go", ["version"]]],
    mend: "Go 1.24 or newer",
    what: async () => JSON.stringify(GO),
    install: async (folder) => {
      for (const [program, tags] of GO)
        await run("go", ["install", "-tags", tags, program], { env: { ...process.env, GOBIN: folder } });
    },
  },
  {
    name: "python",
    needs: [["python3", ["-c", "import ensurepip"]]],
    mend: "Python 3.10 or newer with venv (Debian: python3-venv)",
    what: () => readFile(here("requirements.txt"), "utf8"),
    install: async (folder) => {
      await run("python3", ["-m", "venv", folder]);
      await run(join(folder, "bin/pip"), ["install", "--quiet", "-r", here("requirements.txt")]);
    },
  },
  {
    name: "java",
    needs: [
      ["javac", ["-version"]],
      ["mvn", ["--version"]],
    ],
    mend: "a JDK of 17 or newer and Maven (Debian: openjdk-17-jdk-headless, maven)",
    what: async () =>
      (await readFile(here("pom.xml"), "utf8")) + (await readFile(here("FlywayTool.java"), "utf8")),
    install: async (folder) => {
      const copy = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
      await run("mvn", ["-q", "-B", "-f", here("pom.xml"), copy, `-DoutputDirectory=${folder}`]);
      await run("javac", ["-cp", `${folder}/*`, "-d", folder, here("FlywayTool.java")]);
    },
  },
  {
    name: "sqitch",
    needs: [
      ["sqitch", ["--version"]],
      ["psql", ["--version"]],
      ["perl", ["-MDBD::Pg", "-e", "1"]],
    ],
    mend: "Debian's sqitch, libdbd-pg-perl and postgresql-client",
    what: async () => "Debian's",
    install: async () => undefined,
  },
];

/** Where the tools are. */
export interface Installed {
  npm: string;
  go: string;
  python: string;
  java: string;
}

async function folderOf({ name, what }: Registry): Promise<string> {
  const hash = createHash("sha256").update(await what());
  return join(CACHE, `tools-${name}-${hash.digest("hex").slice(0, 12)}`);
}

/** Folders that `install` has filled. */
export async function installed(): Promise<Installed> {
  const folders = await Promise.all(
    REGISTRIES.map(async (registry) => [registry.name, await folderOf(registry)] as const),
  );
  const folder = (name: string) => folders.find(([one]) => one === name)?.[1] ?? "";
  return { npm: folder("npm"), go: folder("go"), python: folder("python"), java: folder("java") };
}

/**
 * Installs what is not there yet.
 * @throws Error with all that this machine lacks, and what could not be installed
 */
export async function install(): Promise<void> {
  const problems = (await Promise.all(REGISTRIES.map(problemOf))).flat();
  if (problems.length > 0) throw new Error(`The suite of real tools needs ${problems.join("; and ")}.`);
}

async function problemOf(registry: Registry): Promise<string[]> {
  const { name, needs, mend } = registry;
  for (const [program, asked] of needs) {
    const there = await run(program, [...asked]).then(
      () => true,
      () => false,
    );
    if (!there) return [`${mend}: \`${[program, ...asked].join(" ")}\` fails here`];
  }
  const folder = await folderOf(registry);
  const complete = join(folder, "complete");
  if (
    await access(complete).then(
      () => true,
      () => false,
    )
  )
    return [];
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await registry.install(folder);
    await writeFile(complete, "");
    return [];
  } catch (error) {
    return [
      `what comes from ${name}, which could not be installed into ${folder}: ${(error as Error).message}`,
    ];
  }
}
