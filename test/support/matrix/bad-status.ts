import type { Archive, Instances } from "../../../lambdas/shared/ports.ts";

/** Instances that always show a status that they do not leave by themselves. */
export function badStatus(instances: Instances): Instances {
  const bad = { status: "failed", statusText: "incompatible-restore" } as const;
  return {
    ...(instances.moments && {
      moments: {
        ...instances.moments,
        describe: async (point) => ({
          ...(await instances.moments?.describe(point)),
          status: "failed",
          statusText: "bad",
        }),
      },
    }),
    renameSeconds: instances.renameSeconds,
    describe: async (id) => spoilt(await instances.describe(id), bad),
    describeSnapshot: async (id) => spoilt(await instances.describeSnapshot(id), bad),
    startSnapshot: (...given) => instances.startSnapshot(...given),
    deleteSnapshot: (...given) => instances.deleteSnapshot(...given),
    startRestore: (...given) => instances.startRestore(...given),
    finishRestore: (...given) => instances.finishRestore(...given),
    startRename: (...given) => instances.startRename(...given),
    handOver: (...given) => instances.handOver(...given),
    startDelete: (...given) => instances.startDelete(...given),
  };
}

/** An archive whose copies have failed. */
export function badArchive(archive: Archive): Archive {
  return {
    start: async (...given) =>
      (await archive.start(...given)).map((copy) => ({ ...copy, status: "failed", statusText: "failed" })),
  };
}

function spoilt<T extends object, B>(found: T | undefined, bad: B): (T & B) | undefined {
  return found && { ...found, ...bad };
}
