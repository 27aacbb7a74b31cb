import type { EvidenceStore } from "./ports.ts";
import { sha256 } from "./sha256.ts";

/**
 * Who published a plan is noted beside it, under a key that holds who it was: the bucket's policy lets nobody write a
 * key with another's id in it, so the id is AWS's word. But whoever assumes a role by hand chooses the session's name,
 * which is part of the id. All that the note itself says is the publisher's.
 */
export interface Publication {
  /** The publisher's name, for people. */
  by: string;
  /** As IAM has it: `aws:userid`. */
  id: string;
  arn: string;
  at: string;
}

/** Whose plan it is. */
export interface Published {
  /** It is the one that the stack was deployed with. */
  deployed: boolean;
  by: Publication[];
}

/** Somebody that STS knows. */
export interface Identity {
  id: string;
  arn: string;
}

const ROOT = "published/";

export function publicationKey(checksum: string, { id }: Pick<Identity, "id">): string {
  return `${ROOT}${checksum}/${id}.json`;
}

/** Notes who publishes a plan. Once for each: whoever does it again is noted already. */
export async function notePublication(
  store: Pick<EvidenceStore, "create">,
  checksum: string,
  { id, arn }: Identity,
  at: Date,
): Promise<void> {
  await store.create(
    publicationKey(checksum, { id }),
    `${JSON.stringify({ arn, at: at.toISOString() })}\n`,
    "application/json",
  );
}

// People must be able to read them all.
const MOST = 20;

/** Who published the plan, by their ids in order. What a note holds that is none is left out; its id counts all the same. */
export async function publicationsOf(
  store: Pick<EvidenceStore, "read" | "list">,
  checksum: string,
): Promise<Publication[]> {
  const prefix = `${ROOT}${checksum}/`;
  const keys = (await store.list(prefix)).filter((key) => key.endsWith(".json")).slice(0, MOST);
  return await Promise.all(
    keys.map(async (key) => {
      const id = key.slice(prefix.length, -".json".length);
      const { arn, at } = said(await store.read(key));
      return { by: nameIn(id, arn), id, arn, at };
    }),
  );
}

function said(body: string | undefined): { arn: string; at: string } {
  try {
    const { arn, at } = JSON.parse(body ?? "") as Record<string, unknown>;
    return {
      arn: typeof arn === "string" ? arn.slice(0, 2_048) : "",
      at: typeof at === "string" && !Number.isNaN(Date.parse(at)) ? new Date(at).toISOString() : "",
    };
  } catch {
    return { arn: "", at: "" };
  }
}

/** Of a role's session its name, which is in the id; of a user the last part of what it says that it is called. */
export function nameIn(id: string, arn: string): string {
  const session = /^[^:]+:(.+)$/.exec(id)?.[1];
  return session ?? (/^arn:[^:]*:iam::\d*:user\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1] || id);
}

/** The name that the settings have for whom their e-mail address names. */
export function named(by: string, people: readonly { id: string; name: string }[]): string {
  const id = sha256(by.toLowerCase()).slice(0, 16);
  return people.find((person) => person.id === id)?.name ?? by;
}
