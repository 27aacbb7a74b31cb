import { twoFailures } from "../../support/matrix/pairs.ts";

await twoFailures("before", "first");
