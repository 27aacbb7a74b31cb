export { SluiceStack, type SluiceStackProps } from "./sluice-stack.ts";
