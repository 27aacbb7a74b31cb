export { PlanError } from "./plan/plan-error.ts";
export { type Asked, parseSettings, type Settings, SettingsError, type SettingsGiven } from "./settings.ts";
export { Sluice, type SluiceProps } from "./sluice.ts";
export { SluiceStack, type SluiceStackProps } from "./sluice-stack.ts";
