import type { EvidenceStore } from "./ports.ts";
import { sha256 } from "./sha256.ts";

/**
 * A note beside each plan shows who published it. The note's key holds the publisher's AWS id. The bucket's policy lets
 * each identity write only keys with its own id, so AWS vouches for the id. A person who assumes a role by hand chooses
 * the session's name, which is part of the id. The note's content is the publisher's own statement.
 */
export interface Publication {
  /** The publisher's name, for people. */
  by: string;
  /** The IAM value `aws:userid`. */
  id: string;
  arn: string;
  at: string;
}

/** Origin of a plan. */
export interface Published {
  /** True for the plan that the stack was deployed with. */
  deployed: boolean;
  by: Publication[];
}

/** An identity as STS reports it. */
export interface Identity {
  id: string;
  arn: string;
}

const ROOT = "published/";

export function publicationKey(checksum: string, { id }: Pick<Identity, "id">): string {
  return `${ROOT}${checksum}/${id}.json`;
}

/** Notes who publishes a plan, once for each publisher. */
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

// A gate page shows them all, and people must be able to read them.
const MOST = 20;

/** Returns the plan's publishers, sorted by id. Malformed content of a note is left out; its id still counts. */
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

/** Returns a role session's name, which is in the id, or a user's name, which is the last part of the ARN. */
export function nameIn(id: string, arn: string): string {
  const session = /^[^:]+:(.+)$/.exec(id)?.[1];
  return session ?? (/^arn:[^:]*:iam::\d*:user\/(?:.*\/)?([^/]+)$/.exec(arn)?.[1] || id);
}

/** Returns a person's name from the settings for their e-mail address; without one, returns `by` unchanged. */
export function named(by: string, people: readonly { id: string; name: string }[]): string {
  const id = sha256(by.toLowerCase()).slice(0, 16);
  return people.find((person) => person.id === id)?.name ?? by;
}
