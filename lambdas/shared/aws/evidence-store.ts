import { S3Client } from "@aws-sdk/client-s3";
import { Envar, needEnvar } from "../envars.ts";
import { lazily } from "./lazily.ts";
import { S3Evidence } from "./s3-evidence.ts";

/** Lives as long as the function's sandbox, so that its connections are used again. */
export const s3 = lazily(() => new S3Client());

/** The evidence in the deployment's bucket. */
export const evidenceStore = lazily(() => new S3Evidence(s3(), needEnvar(Envar.bucket)));
