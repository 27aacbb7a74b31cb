import { describe, expect, test } from "vitest";
import { decide } from "../../../lambdas/gate/decide.ts";
import { isName, mixesScripts, relationOf, samePerson } from "../../../lambdas/gate/names.ts";
import { docName } from "../../../lambdas/shared/documents.ts";
import { GO, NO_GO, RUN, scene } from "./scene.ts";

describe("two names are one person's", () => {
  test.each([
    ["Jörg Straße", "JORG STRASSE"],
    ["Ada", "Ａｄａ"],
    ["Ada", "A\u00adda\u200b"],
    ["Ada", "Ada\u3164"],
    ["İlker", "ilker"],
    ["José", "Jose\u0301"],
    ["Ωmega", "ωMEGA"],
  ])("%s and %s", (one, other) => {
    expect(samePerson(one, other)).toBe(true);
    expect(samePerson(other, one)).toBe(true);
  });

  test.each([
    ["Ada Lovelace", "Grace Hopper"],
    ["山田", "山本"],
    ["राम", "रमा"],
    ["かがみ", "かかみ"],
    ["Ada", ""],
    ["", ""],
    ["...", "!!!"],
  ])("not %s and %s", (one, other) => {
    expect(samePerson(one, other)).toBe(false);
  });
});

describe("two names may be one person's, so that a full name is required", () => {
  test.each([
    ["Ada", "Ada L."],
    ["Ada", "Ada Lovelace"],
    ["Ada L.", "Ada Lovelace"],
    ["A. Lovelace", "Ada Lovelace"],
    ["A Lovelace", "ada.lovelace@example.com"],
    ["A. L.", "Ada Lovelace"],
    ["AL", "Ada Lovelace"],
    ["alovelace", "Ada Lovelace"],
    ["adal", "Ada Lovelace"],
    ["Lovelace", "Ada King Lovelace"],
    ["Lovelace A.", "Ada Lovelace"],
    ["Dr. Ada Lovelace", "Ada Lovelace"],
    ["Ada Lovelace (Platform)", "Ada Lovelace"],
    ["A. Lovelace / Platform", "Ada Lovelace"],
    ["А. Lovelace", "Ada Lovelace"],
    ["山田", "山田太郎"],
    ["김", "김철수"],
    ["JL Picard", "Jean-Luc Picard"],
    ["Bob Smith", "Robert Smith"],
    ["Alex Meyer", "Alexander Meyer"],
    ["Ada Lovelace (Platform)", "Ada Lovelace (Data)"],
    ["Ada Lovelace - Platform", "Ada Lovelace - Data"],
    ["Ada Lovelace, Platform", "Ada Lovelace, Data"],
    ["Ada Lovelace / Platform", "Ada Lovelace / Data"],
    ["Ada Lovelace ／ Platform", "Ada Lovelace ∕ Data"],
    ["Dr Ada Lovelace", "Prof. Ada Lovelace"],
    ["ada.lovelace2@example.com", "Ada Lovelace"],
    ["Ronald McDonald", "R. Mc Donald"],
  ])("%s and %s", (one, other) => {
    expect(relationOf(one, other)).toBe("unclear");
    expect(relationOf(other, one)).toBe("unclear");
  });
});

describe("two spellings of a name are one, in whatever letters, order or place:", () => {
  // Cyrillic, Greek, Coptic, Cherokee, fullwidth, mathematical; a capital I and an l, a zero and an O, rn and m.
  test.each([
    ["Аԁа Lоvеlасе", "Ada Lovelace"],
    ["Αda", "Ada"],
    ["ⲟda", "oda"],
    ["ᎪᎠᎪ", "ADA"],
    ["𝐀𝐝𝐚", "Ada"],
    ["AdaI", "Adal"],
    ["B0B", "BOB"],
    ["Arnelia", "Amelia"],
    ["Lovelace, Ada", "Ada Lovelace"],
    ["Ada Lovelace / Platform", "Ada Lovelace"],
    ["Ada Lovelace/Platform", "Ada Lovelace"],
    ["arn:aws:sts::123456789012:assumed-role/Operators/ada.lovelace@example.com", "Ada Lovelace"],
    ["Operators/ada.lovelace@example.com", "Ada Lovelace"],
    ["O’Brien", "OBrien"],
    ["Oʻbrien", "Obrien"],
    ["ᴀᴅᴀ", "Ada"],
    ["Ada |ovelace", "Ada Lovelace"],
    ["Ada\u20dd", "Ada"],
    ["Jörg Müller", "Joerg Mueller"],
    ["Åse Ærø", "Aase Aeroe"],
    ["محمّد", "محمد"],
    ["やまだ", "ヤマダ"],
    ["Platform / Ada Lovelace", "Ada Lovelace"],
  ])("%s and %s", (one, other) => {
    expect(relationOf(one, other)).toBe("same");
    expect(relationOf(other, one)).toBe("same");
  });

  test.each([
    ["Ada Lovelace / Platform", "Grace Hopper / Platform"],
    ["Ada / Platform", "Grace / Platform"],
    ["Ada/Platform", "Grace/Platform"],
    ["Ada, Platform", "Grace, Platform"],
    ["García López, María", "Ana García López"],
    ["Dr. Ada Lovelace", "Dr. Grace Hopper"],
    ["Yan Li", "Yang Li"],
    ["John Smith", "Jane Smith"],
    ["user1", "user2"],
    ["Ada Lovelace (Platform)", "Grace Hopper (Platform)"],
    ["Ada Smith", "Anna Smith"],
    ["Ada L.", "Ada B."],
    [
      "arn:aws:sts::123456789012:assumed-role/Operators/ada",
      "arn:aws:sts::123456789012:assumed-role/Operators/grace",
    ],
  ])("but not %s and %s", (one, other) => {
    expect(relationOf(one, other)).toBe("other");
    expect(relationOf(other, one)).toBe("other");
  });
});

test("names of many words are compared quickly", () => {
  expect(relationOf(`${"a ".repeat(48)}b`, `${"a ".repeat(48)}c`)).toBe("other");
});

describe("a gate that takes two people requests a full name from either of two people who may be one", () => {
  const two = () => ({
    plan: {
      gates: {
        ...scene().ports.plan.gates,
        readiness: { question: "ready?", checklist: [], minutes: 60, approvals: 2 },
      },
    },
  });

  test.each([
    ["Ada", "Ada L."],
    ["Ada L.", "Ada"],
    ["Ada Lovelace", "A. Lovelace"],
    ["A. Lovelace", "Ada Lovelace"],
  ])("%s, then %s", async (first, second) => {
    const s = scene(two());
    const { path, key } = await s.open();
    expect((await s.answerAs(path, key, { ...GO, by: first })).status).toBe(202);
    const asked = await s.answerAs(path, key, { ...GO, by: second });
    expect(asked.status).toBe(422);
    expect(asked.body).toContain("type your full name");
    expect((await s.answerAs(path, key, { ...GO, by: "Grace Hopper" })).status).toBe(200);
  });

  test("and counts two people of one team as two", async () => {
    const s = scene(two());
    const { path, key } = await s.open();
    expect((await s.answerAs(path, key, { ...GO, by: "Ada Lovelace / Platform" })).status).toBe(202);
    expect((await s.answerAs(path, key, { ...GO, by: "Grace Hopper / Platform" })).status).toBe(200);
  });
});

test.each(["A. Lovelace", "Ada", "Ada Lovelace / Platform", "Аda Lovelace"])(
  "%s may not approve what Ada Lovelace started",
  async (by) => {
    const s = scene({ settings: { separateApprover: true } });
    await s.evidence.createOnce(docName("request"), { startedBy: "Ada Lovelace" });
    const { path, key } = await s.open({ gate: "open", kind: "open" });
    expect((await s.answerAs(path, key, { ...GO, by })).status).toBe(422);
    expect((await s.answerAs(path, key, { ...GO, by: "Grace Hopper / Platform" })).status).toBe(200);
  },
);

describe("a name", () => {
  test.each(["", " ", "...", "\u200b\u200d", "\u3164", "🙂", "\u0301", "\u093e", "-@-"])(
    "is not %j",
    (text) => {
      expect(isName(text)).toBe(false);
    },
  );

  test.each(["Zoë", "山田 Taro", "نام‌من", "X Æ A-12", "O’Brien", "Ολγα", "Ольга", "--yes (root)"])(
    "may be %s",
    (text) => {
      expect(isName(text)).toBe(true);
      expect(mixesScripts(text)).toBe(false);
    },
  );

  // The second letter is Cyrillic, Greek, Armenian.
  test.each(["Grаce Hopper", "Grαce Hopper", "Gսido"])(
    "may not mix letters that only look alike: %s",
    async (by) => {
      expect(mixesScripts(by)).toBe(true);
      const s = scene();
      const { path, key } = await s.open();
      for (const fields of [GO, NO_GO]) {
        const answered = await s.answerAs(path, key, { ...fields, by });
        expect(answered.status).toBe(422);
        expect(answered.body).toContain("one script");
      }
    },
  );

  test("at the terminal is the system's user name, also with a flag in another script", async () => {
    const s = scene();
    await s.open();
    const answer = {
      run: RUN,
      gate: "readiness",
      attempt: 1,
      decision: "Go",
      comment: "",
      from: "prompt",
    } as const;
    expect(await decide(s.ports, { ...answer, by: "--yes (Ольга)" })).toMatchObject({ state: "decided" });
  });

  // Zero width, bidirectional marks, a soft hyphen, a filler, a tag, a private and an unassigned character.
  test.each([
    "Gra\u200bce",
    "Grace\u200e",
    "Grace\u200f",
    "\ufeffGrace",
    "Gra\u00adce",
    "Grace\u3164",
    "Grace\u{e0041}",
    "Grace\ue000",
    "Grace\u0378",
    "Gra\u2028ce",
    "Grace\ud800",
  ])("may hold nothing invisible: %j", async (by) => {
    const s = scene();
    const { path, key } = await s.open();
    const answered = await s.answerAs(path, key, { ...GO, by });
    // Half a surrogate pair cannot be sent: it becomes the replacement character.
    expect(answered.status).toBe(by.includes("\ud800") ? 200 : 400);
    if (answered.status === 400) expect(answered.body).toContain("invisible characters");
  });

  test("is not Sluice, which stands for an answer that nobody gave", async () => {
    const s = scene();
    const { path, key } = await s.open();
    for (const by of ["Sluice", "sluice", " S L U I C E "])
      for (const fields of [GO, NO_GO])
        expect((await s.answerAs(path, key, { ...fields, by })).status).toBe(422);
  });

  test("may be as long as the field, and no longer", async () => {
    const s = scene();
    const { path, key } = await s.open();
    expect((await s.answerAs(path, key, { ...GO, by: "x".repeat(101) })).status).toBe(400);
    const longest = "W".repeat(100);
    const answered = await s.answerAs(path, key, { ...GO, by: longest });
    expect(answered.status).toBe(200);
    expect(answered.body).toContain(longest);
  });
});
