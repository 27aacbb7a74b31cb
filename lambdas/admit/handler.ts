import { rdsOf } from "../shared/aws/rds.ts";
import { serve } from "../shared/aws/serve.ts";
import { admitTask } from "./task.ts";

export const handler = serve(admitTask, { rds: rdsOf });
