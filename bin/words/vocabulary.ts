/** A word or phrase that our texts avoid, and what to write instead. */
export interface Avoided {
  pattern: RegExp;
  instead: string;
}

const avoid = (words: string, instead: string): Avoided => ({
  pattern: new RegExp(String.raw`\b(?:${words})\b`, "giu"),
  instead,
});

/** Our texts are read at night, by people whose first language may not be English: one plain word for one thing. */
export const AVOIDED: readonly Avoided[] = [
  avoid("tells?|told(?! apart)|telling", "show, report, notify, distinguish"),
  avoid("says", "state, show, or name the person who does"),
  avoid("knows|knew", "has, lists, or name the fact"),
  avoid("whom|whoever|whosoever", "name the person or the role"),
  avoid("worlds?", "environment"),
  avoid("fleets?", "instances"),
  avoid("mend(?:s|ed|ing)?", "fix, correct, repair"),
  avoid("anew", "again"),
  avoid("(?<!(?:an?|the|late) )go on|(?:goes|going|went|gone) on", "continue"),
  avoid("sets? going|set going again", "start again"),
  avoid("as ever", "as usual"),
  avoid("as it were|as yet|by then|of which|that which", "name the thing or the time"),
  avoid("what there is|what is there|what it is there for", "name the thing"),
  avoid("(?:nothing|none|nobody|no one|not anything) (?:else )?but", "only"),
  avoid("it takes no more than that|lets? it be|lets? be|is done with|are done with", "name what happens"),
  avoid("comes? to (?:that|this|what|nothing|an end)", "name the result"),
  avoid("thereby|therein|thereof|hereby|whereby|wherein|henceforth|hence|thus", "so, in it"),
  avoid("no matter of|a matter of", "name the thing"),
  avoid("in vain|of a kind|in lieu of|in place of", "instead of, or name the thing"),
  avoid(
    "people are asked|is asked (?:for|about)|are asked (?:for|about)|was asked for",
    "the gate opens; is requested",
  ),
  avoid("(?<!no[ /-])such(?! as| an? | that|\\s*[|,.])", "name the thing, or: this, these"),
  avoid("for ever", "forever"),
  avoid("utilize[sd]?|leverage[sd]?|in order to|prior to|is able to", "a shorter word"),
];

/**
 * Texts that stay as they are: names of states and ways of the machines, which running executions and the evidence of
 * earlier runs have; and a message of the bundled plan's SQL, as a change of that file would make it another migration.
 */
export const NAMES: ReadonlySet<string> = new Set([
  "Tell everyone",
  "Tell that nobody cleans up",
  "Go on with its plan",
  "Does it go on?",
  "The run goes on no more",
  "go on",
  "goes on",
  "the schema is not the one that migration 007 knows",
]);
