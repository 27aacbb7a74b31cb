import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import type { Segment } from "./segment.ts";

/** A way out of a phase. Its target is set later, as the machine is built from start to end. */
export class Way {
  private readonly leads: ((to: sfn.State) => void)[] = [];

  /** Adds a state that leaves by this way. */
  from(lead: (to: sfn.State) => void): void {
    this.leads.push(lead);
  }

  /** Sets the target; called once. */
  leadTo(to: sfn.State): void {
    for (const lead of this.leads) lead(to);
  }
}

/** The segment's first state; the segment's end leaves by that way. */
export function ending(segment: Segment, way: Way): sfn.State {
  way.from((to) => segment.leadTo(to));
  return segment.first;
}
