#!/usr/bin/env bash
# aws-local-stepfunctions: States.JsonToString does not keep the escapes, so its result may not be JSON.
#
# Package: aws-local-stepfunctions 3.0.0, whose list of features counts this function as fully supported.
# Guess: AWS documents that States.JsonToString gives the value as JSON text, which States.StringToJson reads back.
# Behaviour: the backslashes are lost. A quotation mark in a text ends it early, a line end becomes the letter n, and
#   States.StringToJson refuses what the other function wrote, or reads another text. moto 5.2.5 keeps the escapes.
# Consequence: an error's Cause that is put into a message this way (they hold quoted names and line ends) breaks the
#   reader in tests, or is changed without an error.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund aws-local-stepfunctions@3.0.0
cat >run.mjs <<'EOF'
// Node 20 lacks Promise.withResolvers, which the package uses.
Promise.withResolvers ??= () => {
  const d = {};
  d.promise = new Promise((resolve, reject) => Object.assign(d, { resolve, reject }));
  return d;
};
const { StateMachine } = await import("aws-local-stepfunctions");

const both = async (text) => {
  const run = async (call, input) => {
    const A = { Type: "Pass", Parameters: { "x.$": call }, OutputPath: "$.x", End: true };
    return new StateMachine({ StartAt: "A", States: { A } }).run(input).result;
  };
  const json = await run("States.JsonToString($)", { text });
  const back = await run("States.StringToJson($.json)", { json }).then((r) => JSON.stringify(r), (e) => e.name);
  console.log(`${JSON.stringify({ text })} became ${json}, and back: ${back}`);
};
await both("plain");
await both("a\nb");
await both('relation "t"');
EOF
cat >expected <<'EOF'
{"text":"plain"} became {"text":"plain"}, and back: {"text":"plain"}
{"text":"a\nb"} became {"text":"anb"}, and back: {"text":"anb"}
{"text":"relation \"t\""} became {"text":"relation "t""}, and back: ExecutionError
EOF
node run.mjs >seen
diff -u expected seen || {
  echo "CHANGED: the output differs from what this script says" >&2
  exit 1
}
echo "as found: States.JsonToString loses the escapes"
