import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import type { Segment } from "./segment.ts";

/** A way out of a phase. Where it leads is said later, as the machine is built from its start to its end. */
export class Way {
  private readonly leads: ((to: sfn.State) => void)[] = [];

  /** What goes this way. */
  from(lead: (to: sfn.State) => void): void {
    this.leads.push(lead);
  }

  /** Sets where it leads; called once. */
  leadTo(to: sfn.State): void {
    for (const lead of this.leads) lead(to);
  }
}

/** The segment's first state; its end goes that way. */
export function ending(segment: Segment, way: Way): sfn.State {
  way.from((to) => segment.leadTo(to));
  return segment.first;
}
