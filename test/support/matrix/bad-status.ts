import type { Archive, DatabaseFleet } from "../../../lambdas/shared/ports.ts";

/** The fleet, of which whatever is looked at is in a status that it will not leave by itself. */
export function badStatus(fleet: DatabaseFleet): DatabaseFleet {
  const bad = { status: "failed", statusText: "incompatible-restore" } as const;
  return {
    ...(fleet.moments && {
      moments: {
        ...fleet.moments,
        describe: async (point) => ({
          ...(await fleet.moments?.describe(point)),
          status: "failed",
          statusText: "bad",
        }),
      },
    }),
    renameSeconds: fleet.renameSeconds,
    describe: async (id) => spoilt(await fleet.describe(id), bad),
    describeSnapshot: async (id) => spoilt(await fleet.describeSnapshot(id), bad),
    startSnapshot: (...given) => fleet.startSnapshot(...given),
    deleteSnapshot: (...given) => fleet.deleteSnapshot(...given),
    startRestore: (...given) => fleet.startRestore(...given),
    finishRestore: (...given) => fleet.finishRestore(...given),
    startRename: (...given) => fleet.startRename(...given),
    handOver: (...given) => fleet.handOver(...given),
    startDelete: (...given) => fleet.startDelete(...given),
  };
}

/** The archive, whose copies have failed. */
export function badArchive(archive: Archive): Archive {
  return {
    start: async (...given) =>
      (await archive.start(...given)).map((copy) => ({ ...copy, status: "failed", statusText: "failed" })),
  };
}

function spoilt<T extends object, B>(found: T | undefined, bad: B): (T & B) | undefined {
  return found && { ...found, ...bad };
}
