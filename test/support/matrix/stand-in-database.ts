import { randomUUID } from "node:crypto";
import { fingerprintQuery } from "../../../lambdas/proof/catalog.ts";
import { ACCESS_QUERY, MAY_READ } from "../../../lambdas/proof/catalog-roles.ts";
import { ALIVE } from "../../../lambdas/proof/pinned.ts";
import { MOMENT } from "../../../lambdas/proof/stored-catalog.ts";
import type { CatalogObject } from "../../../lambdas/shared/documents.ts";
import type { Session } from "../../../lambdas/shared/session.ts";

const NOTHING_READ = { subscription: [] };

/** What is left of a database when its tasks are played: which migrations it has, and who may connect. */
export class StandInDatabase {
  /** Tells it from others, also from copies of itself. */
  readonly identity = randomUUID();

  constructor(
    /** Versions that it has, those included of which it has a part only. */
    readonly has: Set<string> = new Set(),
    /** Versions that the ledger says this run has begun and not rolled back. */
    readonly begun: Set<string> = new Set(),
    public fenced = false,
    public claimed = false,
  ) {}

  copy(): StandInDatabase {
    return new StandInDatabase(new Set(this.has), new Set(this.begun), this.fenced, this.claimed);
  }

  /** The same database, to be gone on with elsewhere. */
  twin(): StandInDatabase {
    return Object.assign(this.copy(), { identity: this.identity });
  }

  catalog(): CatalogObject[] {
    return [...this.has].sort().map((version) => ({ kind: "table", name: `of_${version}`, definition: "" }));
  }

  /** A session that can tell the catalog, and nothing else. */
  session(): Session {
    return {
      query: async <Row>(text: string) => {
        if (text === MAY_READ) return [NOTHING_READ] as Row[];
        if (text === fingerprintQuery(NOTHING_READ)) return this.catalog() as Row[];
        if (text === ACCESS_QUERY) return [] as Row[];
        if (text === MOMENT)
          return [{ moment: JSON.stringify([this.identity, [...this.has], this.fenced]) }] as Row[];
        if (text === ALIVE) return [{}] as Row[];
        throw new Error(`The stand-in knows no answer to ${text.slice(0, 80)}`);
      },
      exec: async () => undefined,
      together: async () => [],
    };
  }
}
