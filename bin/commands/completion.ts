import { Argument, Command } from "commander";
import { printPainted } from "../../local/terminal/streams.ts";
import type { Context } from "./context.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

type Shell = (typeof SHELLS)[number];

export function completionCommand({ streams }: Context): Command {
  const command: Command = new Command("completion")
    .summary("print a script that completes commands in a shell")
    .description("Prints a completion script for a shell. It completes commands, options and file names.")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText(
      "after",
      `
Examples:
  source <(sluice completion bash)                            in ~/.bashrc
  source <(sluice completion zsh)                             in ~/.zshrc, after compinit
  sluice completion fish > ~/.config/fish/completions/sluice.fish`,
    )
    .action((shell: Shell) => {
      const program = command.parent;
      if (program) printPainted(streams.stdout, SCRIPTS[shell](wordsOf(program)));
    });
  return command;
}

interface Words {
  name: string;
  summary: string;
  options: readonly { flag: string; description: string; choices: readonly string[] }[];
}

/** The words of the program, and of each command that its help shows. */
function wordsOf(program: Command): Words[] {
  const shown = program.createHelp().visibleCommands(program);
  return shown.map((command) => ({
    name: command.name(),
    summary: command.summary() || command.description(),
    options: command.options.flatMap(({ long, description, argChoices = [] }) =>
      long ? [{ flag: long, description, choices: argChoices }] : [],
    ),
  }));
}

const names = (commands: readonly Words[]) => commands.map(({ name }) => name).join(" ");
const flags = ({ options }: Words) => options.map(({ flag }) => flag).join(" ");

/** Quotes text for a shell, in single quotes. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

const bash = (commands: readonly Words[]): string[] => [
  "_sluice() {",
  `  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]}`,
  `  if [[ $COMP_CWORD == 1 ]]; then COMPREPLY=($(compgen -W ${quoted(names(commands))} -- "$word")); return; fi`,
  '  case "$command $before" in',
  ...commands.flatMap(({ name, options }) =>
    options.flatMap(({ flag, choices }) =>
      choices.length === 0
        ? []
        : [
            `    ${quoted(`${name} ${flag}`)}) COMPREPLY=($(compgen -W ${quoted(choices.join(" "))} -- "$word")); return ;;`,
          ],
    ),
  ),
  "  esac",
  '  case "$command" in',
  ...commands.map(
    (one) =>
      `    ${one.name}) [[ $word == -* ]] && COMPREPLY=($(compgen -W ${quoted(flags(one))} -- "$word")) ;;`,
  ),
  "  esac",
  "}",
  "complete -o default -F _sluice sluice",
];

/** Zsh runs the script for bash. */
const zsh = (commands: readonly Words[]): string[] => [
  "autoload -U +X bashcompinit && bashcompinit",
  ...bash(commands),
];

const fish = (commands: readonly Words[]): string[] => [
  ...commands.map(
    ({ name, summary }) =>
      `complete -c sluice -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(summary)}`,
  ),
  ...commands.flatMap(({ name, options }) =>
    options.map(
      ({ flag, description, choices }) =>
        `complete -c sluice -n ${fishQuoted(`__fish_seen_subcommand_from ${name}`)} -l ${flag.slice(2)} -d ${fishQuoted(description)}${choices.length === 0 ? "" : ` -x -a ${fishQuoted(choices.join(" "))}`}`,
    ),
  ),
];

const fishQuoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

const SCRIPTS: Readonly<Record<Shell, (commands: readonly Words[]) => string[]>> = { bash, zsh, fish };
