import { ClusterWorld } from "../../support/matrix/cluster-world.ts";
import { twoFailures } from "../../support/matrix/pairs.ts";
import { BACKUP } from "../../support/matrix/walk.ts";

await twoFailures("inside", undefined, {
  text: ", on a cluster",
  world: () => new ClusterWorld(),
  backup: BACKUP,
});
