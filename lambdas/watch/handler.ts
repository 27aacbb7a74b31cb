import { serve } from "../shared/aws/serve.ts";
import { watchTask } from "./task.ts";

export const handler = serve(watchTask);
