import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { LargePages } from "../ports.ts";

const SECONDS = 300;

/** Links to single objects, signed as this function's role: they reach no further than it does, and end by themselves. */
export class S3PageLinks implements LargePages {
  constructor(
    private readonly client: S3Client,
    private readonly bucket: string,
  ) {}

  link(key: string): Promise<string> {
    const command = new GetObjectCommand({
      Bucket: this.bucket,
      Key: key,
      // As the gates' own pages: no copy stays in the browser.
      ResponseCacheControl: "no-store",
      ResponseContentType: "text/html; charset=utf-8",
    });
    return getSignedUrl(this.client, command, { expiresIn: SECONDS });
  }
}
