import type { OpenSession, Session } from "../shared/session.ts";

/**
 * Does the work for each item, on the given session and on up to so many in all. It stops when one says false, or fails;
 * who is at work by then comes to the end of its item.
 * @returns false when one said so
 */
export async function inParallel<Item>(
  items: readonly Item[],
  session: Session,
  beside: OpenSession | undefined,
  atOnce: number,
  work: (item: Item, session: Session) => Promise<boolean>,
): Promise<boolean> {
  const left = [...items];
  let stopped = false;
  const drain = async (own: Session): Promise<void> => {
    for (let item = left.shift(); item !== undefined && !stopped; item = left.shift()) {
      const goesOn = await work(item, own).catch((error: unknown) => {
        stopped = true;
        throw error;
      });
      if (!goesOn) stopped = true;
    }
  };
  const others = beside ? Math.min(atOnce, items.length) - 1 : 0;
  const helpers = Array.from({ length: Math.max(0, others) }, () => helped(beside as OpenSession, drain));
  const ends = await Promise.allSettled([drain(session), ...helpers]);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return !stopped;
}

/** A session more than the server gives is none that is needed. */
async function helped(open: OpenSession, drain: (session: Session) => Promise<void>): Promise<void> {
  let opened = false;
  try {
    await open(async (session) => {
      opened = true;
      await drain(session);
    });
  } catch (error) {
    if (opened) throw error;
  }
}
