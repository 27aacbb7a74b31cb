import { serve } from "../shared/aws/serve.ts";
import { fenceTask } from "./task.ts";

export const handler = serve(fenceTask);
