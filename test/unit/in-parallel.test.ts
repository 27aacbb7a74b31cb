import { describe, expect, test } from "vitest";
import { inParallel } from "../../lambdas/proof/read-tables.ts";
import type { OpenSession, Session } from "../../lambdas/shared/session.ts";

const session = (name: string) => ({ name }) as unknown as Session;
const nameOf = (given: Session) => (given as unknown as { name: string }).name;
const a_moment = () => new Promise((resolve) => setTimeout(resolve, 1));

/** Opens the sessions `more`, as many as allowed. */
function opener(most = Number.POSITIVE_INFINITY): OpenSession & { open: number } {
  const open = async <T>(work: (session: Session) => Promise<T>): Promise<T> => {
    if (opened.open >= most) throw new Error("too many connections");
    opened.open++;
    return await work(session("more"));
  };
  const opened = Object.assign(open, { open: 0 });
  return opened;
}

describe("work on several sessions", () => {
  test("is done once for each item, on as many sessions as allowed, and on no more than there are items", async () => {
    const done: number[] = [];
    const beside = opener();
    const all = await inParallel([1, 2, 3], session("own"), beside, 8, async (item) => {
      await a_moment();
      done.push(item);
      return true;
    });
    expect(all).toBe(true);
    expect(done.sort()).toEqual([1, 2, 3]);
    expect(beside.open).toBe(2);
  });

  test("continues with fewer sessions if the server gives no more", async () => {
    const on: string[] = [];
    const beside = opener(1);
    await inParallel([1, 2, 3, 4, 5], session("own"), beside, 4, async (_item, given) => {
      await a_moment();
      on.push(nameOf(given));
      return true;
    });
    expect(on).toHaveLength(5);
    expect(new Set(on)).toEqual(new Set(["own", "more"]));
  });

  test("uses the one session if there can be only one", async () => {
    const on: string[] = [];
    await inParallel(
      [1, 2],
      session("own"),
      undefined,
      4,
      async (_item, given) => on.push(nameOf(given)) > 0,
    );
    expect(on).toEqual(["own", "own"]);
  });

  test("stops when one session must leave, and reports so", async () => {
    const done: number[] = [];
    expect(
      await inParallel([1, 2, 3, 4], session("own"), undefined, 1, async (item) => {
        done.push(item);
        return item < 2;
      }),
    ).toBe(false);
    expect(done).toEqual([1, 2]);
  });

  test("fails with the first failure, after all sessions have finished what they had begun", async () => {
    const ended: number[] = [];
    const work = inParallel([1, 2, 3, 4, 5, 6], session("own"), opener(), 2, async (item) => {
      if (item === 1) throw new Error("this one fails");
      await a_moment();
      ended.push(item);
      return true;
    });
    await expect(work).rejects.toThrow("this one fails");
    expect(ended).toEqual([2]);
  });
});
