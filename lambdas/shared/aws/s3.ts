import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { awsErrorName } from "../errors.ts";
import type { EvidenceStore, LargePages, Lease, LeaseHolder } from "../ports.ts";

const MOST_CONFLICTS = 5;
const FIRST_PAUSE_MS = 50;

/** Evidence in one bucket. The bucket encrypts it; this class never deletes or overwrites. */
export class S3Evidence implements EvidenceStore {
  private readonly client: S3Client;
  private readonly bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.client = client;
    this.bucket = bucket;
  }

  create(key: string, body: string, contentType: string): Promise<boolean> {
    return this.putIf({ Key: key, Body: body, ContentType: contentType, IfNoneMatch: "*" });
  }

  async read(key: string): Promise<string | undefined> {
    return (await this.get(key))?.body;
  }

  async list(prefix: string): Promise<string[]> {
    return [...(await this.tags(prefix)).keys()];
  }

  /** Returns S3's ETag of each object, which differs where the content differs. */
  async tags(prefix: string): Promise<Map<string, string>> {
    const found: [key: string, tag: string][] = [];
    let token: string | undefined;
    do {
      const page = await this.client.send(
        new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix, ContinuationToken: token }),
      );
      for (const { Key, ETag } of page.Contents ?? []) if (Key !== undefined) found.push([Key, ETag ?? ""]);
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  async readLease(name: string): Promise<Lease | undefined> {
    const found = await this.get(leaseKey(name));
    if (!found) return undefined;
    const { holder } = JSON.parse(found.body) as { holder: LeaseHolder | null };
    return { holder, tag: found.tag };
  }

  swapLease(name: string, expected: Lease | undefined, holder: LeaseHolder | null): Promise<boolean> {
    return this.putIf({
      Key: leaseKey(name),
      Body: `${JSON.stringify({ holder }, null, 2)}\n`,
      ContentType: "application/json",
      ...(expected ? { IfMatch: expected.tag } : { IfNoneMatch: "*" }),
    });
  }

  private async get(key: string): Promise<{ body: string; tag: string } | undefined> {
    try {
      const found = await this.client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
      return { body: (await found.Body?.transformToString()) ?? "", tag: found.ETag ?? "" };
    } catch (error) {
      if (awsErrorName(error) === "NoSuchKey") return undefined;
      throw error;
    }
  }

  /** True when the write happened, false when its condition did not hold. */
  private async putIf(input: Omit<PutObjectCommandInput, "Bucket">): Promise<boolean> {
    for (let conflicts = 0; ; conflicts++) {
      try {
        await this.client.send(new PutObjectCommand({ Bucket: this.bucket, ...input }));
        return true;
      } catch (error) {
        const name = awsErrorName(error);
        // NoSuchKey: IfMatch on a key that does not exist.
        if (name === "PreconditionFailed" || name === "NoSuchKey") return false;
        // Another write of this key was under way. S3 does not report which one won, so ask again.
        if (name !== "ConditionalRequestConflict" || conflicts >= MOST_CONFLICTS) throw error;
        const pause = FIRST_PAUSE_MS * 2 ** conflicts;
        await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
      }
    }
  }
}

const leaseKey = (name: string) => `leases/${name}.json`;

const SECONDS = 300;

/** Links to single objects, signed as this function's role: they grant no more than the role has, and expire. */
export class S3PageLinks implements LargePages {
  constructor(
    private readonly client: S3Client,
    private readonly bucket: string,
  ) {}

  link(key: string): Promise<string> {
    const command = new GetObjectCommand({
      Bucket: this.bucket,
      Key: key,
      // As on gate pages: no copy stays in the browser.
      ResponseCacheControl: "no-store",
      ResponseContentType: "text/html; charset=utf-8",
    });
    return getSignedUrl(this.client, command, { expiresIn: SECONDS });
  }
}
