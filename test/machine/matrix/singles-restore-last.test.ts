import { singleFailures } from "../../support/matrix/singles.ts";

await singleFailures("before", "last");
