import type * as sfn from "aws-cdk-lib/aws-stepfunctions";

/** A part of the machine with one way in and one way out, which several states may lead to. */
export interface Segment {
  readonly first: sfn.State;
  /** Connects the segment to the next state; called once. */
  leadTo(next: sfn.State): void;
}

/** A task that is called until it is done. Its last answer may lead elsewhere than usual. */
export interface Loop extends Segment {
  when(answer: sfn.Condition, next: sfn.State): void;
}

/** Joins segments, one after another, into one. */
export function inOrder(...segments: readonly [Segment, ...Segment[]]): Segment {
  for (const [index, segment] of segments.entries()) {
    const following = segments[index + 1];
    if (following) segment.leadTo(following.first);
  }
  const last = segments.at(-1) as Segment;
  return { first: segments[0].first, leadTo: (next) => last.leadTo(next) };
}
