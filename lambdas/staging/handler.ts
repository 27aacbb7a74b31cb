import { serve } from "../shared/aws/serve.ts";
import { stagingTask } from "./task.ts";

export const handler = serve(stagingTask);
