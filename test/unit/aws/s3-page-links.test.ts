import { S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { S3PageLinks } from "../../../lambdas/shared/aws/s3.ts";

test("a link shows one object, read-only, for five minutes", async () => {
  const client = new S3Client({
    region: "eu-central-1",
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: "session" },
  });
  const link = new URL(await new S3PageLinks(client, "evidence").link("runs/née run/shown/report-1.html"));
  expect(link.origin).toBe("https://evidence.s3.eu-central-1.amazonaws.com");
  expect(decodeURIComponent(link.pathname)).toBe("/runs/née run/shown/report-1.html");
  expect(Object.fromEntries(link.searchParams)).toMatchObject({
    "X-Amz-Expires": "300",
    "X-Amz-SignedHeaders": "host",
    "X-Amz-Security-Token": "session",
    "response-content-type": "text/html; charset=utf-8",
    "response-cache-control": "no-store",
    "x-id": "GetObject",
  });
  expect(link.href).not.toContain("secret");
});
