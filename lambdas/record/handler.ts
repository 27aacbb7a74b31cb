import { serve } from "../shared/aws/serve.ts";
import { recordTask } from "./task.ts";

export const handler = serve(recordTask);
