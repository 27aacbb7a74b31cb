import { ClusterEnvironment } from "../../support/matrix/cluster-environment.ts";
import { twoFailures } from "../../support/matrix/pairs.ts";
import { BACKUP } from "../../support/matrix/walk.ts";

await twoFailures("before", "first", {
  text: ", on a cluster",
  environment: () => new ClusterEnvironment(),
  backup: BACKUP,
});
