import { serve } from "../shared/aws/serve.ts";
import { alarmsTask } from "./task.ts";

export const handler = serve(alarmsTask);
