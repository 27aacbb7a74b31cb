import { randomUUID } from "node:crypto";
import { fingerprintQuery } from "../../../lambdas/proof/catalog.ts";
import { ACCESS_QUERY, MAY_READ } from "../../../lambdas/proof/catalog-roles.ts";
import { ALIVE } from "../../../lambdas/proof/pinned.ts";
import { MOMENT } from "../../../lambdas/proof/stored-record.ts";
import type { CatalogObject } from "../../../lambdas/shared/documents.ts";
import type { Session } from "../../../lambdas/shared/session.ts";

const NOTHING_READ = { subscription: [] };

/** A stand-in for a database whose tasks are played: its migrations, and who may connect. */
export class StandInDatabase {
  /** Distinguishes it from others, also from its copies. */
  readonly identity = randomUUID();

  constructor(
    /** Versions that it has in full or in part. */
    readonly has: Set<string> = new Set(),
    /** Versions that this run has begun and not rolled back, by the ledger. */
    readonly begun: Set<string> = new Set(),
    public fenced = false,
    public claimed = false,
  ) {}

  copy(): StandInDatabase {
    return new StandInDatabase(new Set(this.has), new Set(this.begun), this.fenced, this.claimed);
  }

  /** Returns a copy for another walk. */
  twin(): StandInDatabase {
    return Object.assign(this.copy(), { identity: this.identity });
  }

  catalog(): CatalogObject[] {
    return [...this.has].sort().map((version) => ({ kind: "table", name: `of_${version}`, definition: "" }));
  }

  /** A session that can only read the catalog. */
  session(): Session {
    return {
      query: async <Row>(text: string) => {
        if (text === MAY_READ) return [NOTHING_READ] as Row[];
        if (text === fingerprintQuery(NOTHING_READ)) return this.catalog() as Row[];
        if (text === ACCESS_QUERY) return [] as Row[];
        if (text === MOMENT)
          return [{ moment: JSON.stringify([this.identity, [...this.has], this.fenced]) }] as Row[];
        if (text === ALIVE) return [{}] as Row[];
        throw new Error(`The stand-in has no answer to ${text.slice(0, 80)}`);
      },
      exec: async () => undefined,
      together: async () => [],
    };
  }
}
