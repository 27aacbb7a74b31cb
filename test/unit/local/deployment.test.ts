import { expect, test } from "vitest";
import { namedOutputs } from "../../../local/deployment.ts";

const OWN = [
  ["MigrationsNextEvidenceBucket1A2B3C4D", "orders-evidence"],
  ["MigrationsNextStateMachineArn00FF00FF", "orders-machine"],
  ["VpcId", "vpc-1"],
] as const;
const STOCK = [["StockMigrationsNextEvidenceBucket12345678", "stock-evidence"]] as const;

test("outputs of the repository's own stack are recognized by their names", () => {
  expect(namedOutputs([["EvidenceBucket", "b"]], "Sluice-orders").get("EvidenceBucket")).toBe("b");
});

test("outputs of a construct in another stack are recognized by the same names", () => {
  const found = namedOutputs(OWN, "Shop");
  expect([found.get("EvidenceBucket"), found.get("StateMachineArn")]).toEqual([
    "orders-evidence",
    "orders-machine",
  ]);
});

test("with several constructs one must be named, and that one is used", () => {
  expect(() => namedOutputs([...OWN, ...STOCK], "Shop")).toThrow(
    "--stack Shop/Migrations or --stack Shop/StockMigrations",
  );
  expect(namedOutputs([...OWN, ...STOCK], "Shop", "StockMigrations").get("EvidenceBucket")).toBe(
    "stock-evidence",
  );
});

test("a construct's id may have our own word in it", () => {
  const found = namedOutputs([["MyNextThingNextEvidenceBucket12345678", "b"]], "Shop");
  expect(found.get("EvidenceBucket")).toBe("b");
});

test("a missing construct is refused with a list of those that exist", () => {
  expect(() => namedOutputs([...OWN, ...STOCK], "Shop", "Stock")).toThrow(
    "The stack Shop has no Sluice called Stock, but Migrations and StockMigrations.",
  );
  expect(() => namedOutputs([["EvidenceBucket", "b"]], "Sluice-orders", "Stock")).toThrow(
    "The stack Sluice-orders has no Sluice called Stock.",
  );
});
