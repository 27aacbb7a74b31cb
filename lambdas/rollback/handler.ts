import { serve } from "../shared/aws/serve.ts";
import { rollbackTask } from "./task.ts";

export const handler = serve(rollbackTask);
