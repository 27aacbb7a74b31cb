import { describe, expect, test } from "vitest";
import { readCaught } from "../../../lambdas/shared/errors.ts";

describe("the cause that a Catch received is made readable", () => {
  test("a Lambda's JSON by its message", () => {
    const Cause = JSON.stringify({
      errorType: "StepFailed",
      errorMessage: 'near "x"\nline 2',
      trace: ["at y"],
    });
    expect(readCaught({ Error: "StepFailed", Cause })).toEqual({
      error: "StepFailed",
      message: 'near "x"\nline 2',
    });
  });
  test("plain text unchanged", () => {
    expect(readCaught({ Error: "StepFailed", Cause: "near x" }).message).toBe("near x");
  });
  test("truncated JSON by the remaining part of its message", () => {
    expect(
      readCaught({ Error: "E", Cause: '{"errorType":"E","errorMessage":"it broke \\"here' }).message,
    ).toBe('it broke "here');
  });
  test("JSON without a message as unknown, and never shown", () => {
    expect(readCaught({ Error: "E", Cause: '{"a":1}' }).message).toContain("gave no reason");
  });
  test("a timeout by its meaning", () => {
    expect(readCaught({ Error: "States.Timeout" }).message).toContain("within its time limit");
  });
});
