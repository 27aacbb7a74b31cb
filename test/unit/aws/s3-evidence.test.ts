import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { S3Evidence } from "../../../lambdas/shared/aws/s3.ts";
import { awsError } from "../../support/aws-error.ts";

const s3 = mockClient(S3Client);
const store = new S3Evidence(new S3Client({ region: "eu-central-1" }), "evidence");

// The SDK's body stream has many methods; only this one is used here.
const body = (text: string) =>
  ({ transformToString: async () => text }) as unknown as NonNullable<GetObjectCommandOutput["Body"]>;

beforeEach(() => {
  s3.reset();
});

describe("evidence in S3", () => {
  test("a second write of a key is reported as lost", async () => {
    s3.on(PutObjectCommand).rejects(awsError("PreconditionFailed"));
    expect(await store.create("runs/r/a.json", "{}", "application/json")).toBe(false);
  });

  test("a write that meets another one is tried again until S3 shows which one won", async () => {
    s3.on(PutObjectCommand)
      .rejectsOnce(awsError("ConditionalRequestConflict"))
      .rejectsOnce(awsError("ConditionalRequestConflict"))
      .resolves({});
    expect(await store.create("runs/r/a.json", "{}", "application/json")).toBe(true);
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(3);
  });

  test("a conflict without end is an error, never a won write", async () => {
    vi.useFakeTimers();
    try {
      s3.on(PutObjectCommand).rejects(awsError("ConditionalRequestConflict"));
      const write = expect(store.create("runs/r/a.json", "{}", "application/json")).rejects.toThrow(
        "Conflict",
      );
      await vi.runAllTimersAsync();
      await write;
    } finally {
      vi.useRealTimers();
    }
  });

  test("a refused write is an error", async () => {
    s3.on(PutObjectCommand).rejects(awsError("AccessDenied"));
    await expect(store.create("runs/r/a.json", "{}", "application/json")).rejects.toThrow("AccessDenied");
  });

  test("a write succeeds only if the key is free", async () => {
    s3.on(PutObjectCommand).resolves({});
    expect(await store.create("runs/r/a.html", "<p>", "text/html")).toBe(true);
    expect(s3.commandCalls(PutObjectCommand)[0]?.args[0].input).toEqual({
      Bucket: "evidence",
      Key: "runs/r/a.html",
      Body: "<p>",
      ContentType: "text/html",
      IfNoneMatch: "*",
    });
  });

  test("a missing key reads as undefined, and a forbidden one is an error", async () => {
    s3.on(GetObjectCommand).rejectsOnce(awsError("NoSuchKey")).rejects(awsError("AccessDenied"));
    expect(await store.read("runs/r/a.json")).toBeUndefined();
    await expect(store.read("runs/r/a.json")).rejects.toThrow("AccessDenied");
  });

  test("all pages of a listing are read, and sorted", async () => {
    s3.on(ListObjectsV2Command)
      .resolvesOnce({ Contents: [{ Key: "runs/r/c", ETag: '"3"' }], NextContinuationToken: "more" })
      .resolvesOnce({
        Contents: [
          { Key: "runs/r/a", ETag: '"1"' },
          { Key: "runs/r/b", ETag: '"2"' },
        ],
      })
      .resolves({ Contents: [{ Key: "runs/r/c", ETag: '"4"' }] });
    const tags = await store.tags("runs/r/");
    expect([...tags]).toEqual([
      ["runs/r/a", '"1"'],
      ["runs/r/b", '"2"'],
      ["runs/r/c", '"3"'],
    ]);
    expect(await store.list("runs/r/")).toEqual(["runs/r/c"]);
    expect(s3.commandCalls(ListObjectsV2Command)[1]?.args[0].input.ContinuationToken).toBe("more");
  });
});

describe("leases in S3", () => {
  const holder = { run: "r", execution: "arn:r", since: "2026-11-03T02:00:00.000Z" };

  test("a lease that changed since it was read is not taken", async () => {
    s3.on(PutObjectCommand).rejects(awsError("PreconditionFailed"));
    expect(await store.swapLease("orders", { holder: null, tag: '"1"' }, holder)).toBe(false);
  });

  test("a lease that was deleted since it was read is not taken", async () => {
    s3.on(PutObjectCommand).rejects(awsError("NoSuchKey"));
    expect(await store.swapLease("orders", { holder: null, tag: '"1"' }, holder)).toBe(false);
  });

  test("a swap succeeds only for the exact version that was read", async () => {
    s3.on(GetObjectCommand).resolves({ Body: body('{"holder":null}'), ETag: '"1"' });
    s3.on(PutObjectCommand).resolves({});
    const lease = await store.readLease("orders");
    expect(lease).toEqual({ holder: null, tag: '"1"' });
    expect(await store.swapLease("orders", lease, holder)).toBe(true);
    const { input } = s3.commandCalls(PutObjectCommand)[0]?.args[0] ?? {};
    expect(input).toMatchObject({ Key: "leases/orders.json", IfMatch: '"1"' });
    expect(input).not.toHaveProperty("IfNoneMatch");
    expect(JSON.parse(String(input?.Body))).toEqual({ holder });
  });

  test("the first lease is taken only if there is still none", async () => {
    s3.on(GetObjectCommand).rejects(awsError("NoSuchKey"));
    s3.on(PutObjectCommand).resolves({});
    expect(await store.readLease("orders")).toBeUndefined();
    expect(await store.swapLease("orders", undefined, holder)).toBe(true);
    expect(s3.commandCalls(PutObjectCommand)[0]?.args[0].input).toMatchObject({ IfNoneMatch: "*" });
  });
});
