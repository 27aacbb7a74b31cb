import { stoppedRuns } from "../../support/matrix/stopped.ts";

await stoppedRuns("before", "middle");
