import { describe, expect, test } from "vitest";
import { isOutside, windowOf, windowText } from "../../lambdas/admit/window.ts";
import type { MaintenanceWindow } from "../../lambdas/shared/settings.ts";

const sundays: MaintenanceWindow = { days: ["sun"], from: "01:00", hours: 6, timeZone: "Europe/Berlin" };
const nights: MaintenanceWindow = {
  days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
  from: "22:30",
  hours: 5.5,
  timeZone: "America/New_York",
};
const at = (time: string) => new Date(time);
const bounds = (window: MaintenanceWindow, time: string, override?: string) => {
  const { begins, ends } = windowOf(window, at(time), override);
  return `${begins} ${ends}`;
};

describe("a run is bound by the opening", () => {
  // 8 November 2026 is a Sunday; Berlin is then an hour ahead of UTC.
  test.each([
    ["that is open, from its first moment", "2026-11-08T00:00:00Z"],
    ["that is open, to its last", "2026-11-08T05:59:59.999Z"],
    ["that is next, before it", "2026-11-07T23:59:59.999Z"],
    ["that is next, days before it", "2026-11-02T12:00:00Z"],
  ])("%s", (_, time) => {
    expect(bounds(sundays, time)).toBe("2026-11-08T00:00:00.000Z 2026-11-08T06:00:00.000Z");
  });

  test("that is next, once one is over", () => {
    expect(bounds(sundays, "2026-11-08T06:00:00Z")).toBe("2026-11-15T00:00:00.000Z 2026-11-15T06:00:00.000Z");
  });

  test("that began on the day before, past midnight", () => {
    expect(bounds(nights, "2026-11-04T08:00:00Z")).toBe("2026-11-04T03:30:00.000Z 2026-11-04T09:00:00.000Z");
  });

  test("by local time, before and after the clock is put back", () => {
    // 25 October 2026: at 3:00 in Berlin it is 2:00 again. Six hours stay six hours.
    expect(bounds(sundays, "2026-10-20T00:00:00Z")).toBe("2026-10-24T23:00:00.000Z 2026-10-25T05:00:00.000Z");
    expect(bounds(sundays, "2026-10-26T00:00:00Z")).toBe("2026-11-01T00:00:00.000Z 2026-11-01T06:00:00.000Z");
  });

  test("at the next existing hour, if the clock skips the given one", () => {
    // 29 March 2026: from 2:00 to 3:00 there is no time in Berlin.
    const window = { ...sundays, from: "02:30" };
    expect(bounds(window, "2026-03-28T00:00:00Z")).toBe("2026-03-29T01:30:00.000Z 2026-03-29T07:30:00.000Z");
  });

  test("to its very end, days after it began, also if the clock is put forward meanwhile", () => {
    // From Friday to Monday; 72 hours from 23:59 end at 0:59 of Tuesday.
    const window: MaintenanceWindow = { ...sundays, days: ["fri"], from: "23:59", hours: 72 };
    expect(bounds(window, "2026-03-30T22:58:59Z")).toBe("2026-03-27T22:59:00.000Z 2026-03-30T22:59:00.000Z");
  });

  test("that continues without a break over all days whose openings meet or overlap", () => {
    const weekend: MaintenanceWindow = { days: ["sun", "sat"], from: "00:00", hours: 24, timeZone: "UTC" };
    for (const time of ["2026-11-05T12:00:00Z", "2026-11-07T20:00:00Z", "2026-11-08T00:00:00Z"])
      expect(bounds(weekend, time)).toBe("2026-11-07T00:00:00.000Z 2026-11-09T00:00:00.000Z");
    expect(bounds({ ...weekend, hours: 36 }, "2026-11-07T20:00:00Z")).toContain(" 2026-11-09T12:00:00.000Z");
    expect(bounds({ ...weekend, hours: 23.9 }, "2026-11-07T20:00:00Z")).toContain(
      " 2026-11-07T23:54:00.000Z",
    );
  });

  test("that is given an end more than a week away if the window is always open", () => {
    const always: MaintenanceWindow = { ...nights, from: "00:00", hours: 24, timeZone: "UTC" };
    for (const override of [undefined, "why"])
      expect(bounds(always, "2026-11-04T06:00:00Z", override)).toContain(" 2026-11-19T00:00:00.000Z");
  });
});

describe("an override", () => {
  test("binds to the whole next opening, even if it begins in a week and lasts for days", () => {
    const days = ["mon", "tue", "wed", "thu", "fri"] as const;
    const week: MaintenanceWindow = { days: [...days], from: "00:00", hours: 24, timeZone: "UTC" };
    expect(bounds(week, "2026-11-02T00:00:00Z", "why")).toBe(
      "2026-11-09T00:00:00.000Z 2026-11-14T00:00:00.000Z",
    );
  });

  test("binds a run to the next opening, whether the run is inside one or not, so that it has an end", () => {
    expect(bounds(sundays, "2026-11-07T20:00:00Z", "why")).toBe(
      "2026-11-08T00:00:00.000Z 2026-11-08T06:00:00.000Z",
    );
    expect(bounds(sundays, "2026-11-08T05:50:00Z", "why")).toBe(
      "2026-11-15T00:00:00.000Z 2026-11-15T06:00:00.000Z",
    );
  });

  test("is the only way for a run to begin outside", () => {
    for (const [time, override, outside] of [
      ["2026-11-07T20:00:00.000Z", undefined, true],
      ["2026-11-07T20:00:00.000Z", "the release cannot wait", false],
      ["2026-11-08T00:00:00.000Z", undefined, false],
    ] as const)
      expect(isOutside(windowOf(sundays, at(time), override), time)).toBe(outside);
  });
});

test("a window is shown as people set it", () => {
  expect(windowText(sundays)).toBe("sun from 01:00, 6 h, Europe/Berlin");
  expect(windowText(nights)).toBe("every day from 22:30, 5.5 h, America/New_York");
});
