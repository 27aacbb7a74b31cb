import { singleFailures } from "../../support/matrix/singles.ts";

await singleFailures("before", "first");
