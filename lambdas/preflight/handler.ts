import { serve } from "../shared/aws/serve.ts";
import { preflightTask } from "./task.ts";

export const handler = serve(preflightTask);
