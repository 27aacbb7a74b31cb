import { DeadlyCalls, type Kill } from "../../support/deadly-session.ts";
import { type Fencing, fencing } from "./fencing.ts";

// Fences a database or lifts the fence, and may be killed. Prints the number of its database calls at its end.

export type Order = Fencing & { kill: Kill };

const order = JSON.parse(process.env.ORDER ?? "") as Order;
const calls = new DeadlyCalls(order.kill, 2);
await fencing(order, (session) => calls.of(session));
process.stdout.write(String(calls.count));
