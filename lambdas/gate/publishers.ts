import type { GateDecisionDoc } from "../shared/documents.ts";
import type { Publication } from "../shared/publications.ts";
import { relationOf } from "./names.ts";

type Named = Pick<Publication, "by">;

/** Whoever published the plan and may be the one of that name. */
export function publisherNamed(published: readonly Named[], name: string): Named | undefined {
  return published.find(({ by }) => relationOf(by, name) !== "other");
}

/** Of those who gave an answer, the names of those who may also have published the plan. */
export function publishersAmong(
  published: readonly Named[],
  { by, approvals }: Pick<GateDecisionDoc, "by" | "approvals">,
): string[] {
  const names = [...new Set([by, ...(approvals ?? []).map((one) => one.by)])];
  return names.filter((name) => publisherNamed(published, name) !== undefined);
}
