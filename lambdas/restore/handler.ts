import { serve } from "../shared/aws/serve.ts";
import { restoreTask } from "./task.ts";

export const handler = serve(restoreTask);
