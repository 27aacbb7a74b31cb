import { rdsOf } from "../shared/aws/rds.ts";
import { serve } from "../shared/aws/serve.ts";
import { snapshotTask } from "./task.ts";

export const handler = serve(snapshotTask, { rds: rdsOf });
