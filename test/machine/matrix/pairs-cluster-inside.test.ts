import { ClusterWorld } from "../../support/matrix/cluster-world.ts";
import { twoFailures } from "../../support/matrix/pairs.ts";

await twoFailures("inside", undefined, { text: ", on a cluster", world: () => new ClusterWorld() });
