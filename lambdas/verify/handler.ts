import { serve } from "../shared/aws/serve.ts";
import { verifyTask } from "./task.ts";

export const handler = serve(verifyTask);
