import type { Tags } from "../ports.ts";

/** RDS takes no more for one resource; those that AWS sets itself are not counted. */
export const MOST_TAGS = 50;

/** All that the instance has of its own, and of the others as many as there is room for: a tag never fails a restore. */
export function withinLimit(own: Tags, others: Tags): Tags {
  const added = Object.entries(others).filter(([key]) => !(key in own));
  const room = Math.max(0, MOST_TAGS - Object.keys(own).length);
  return { ...own, ...Object.fromEntries(added.slice(0, room)) };
}

export function tagList(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
