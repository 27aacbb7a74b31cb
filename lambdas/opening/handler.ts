import { serve } from "../shared/aws/serve.ts";
import { openingTask } from "./task.ts";

export const handler = serve(openingTask);
