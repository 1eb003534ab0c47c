/**
 * `completion`: the script by which a shell asks us what may come next, and the hidden command that answers it.
 */
import { Argument, Command } from 'commander';
import { adminUrl } from './arguments.ts';
import { helpTail } from './options.ts';
import { printData } from './streams.ts';

/** A person waits for Tab: a proxy that takes longer has no names for us. */
const SERVICES_TIMEOUT_MS = 300;

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_migration_proxy() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = ":files" ]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")
    else
      COMPREPLY+=("$line")
    fi
  done < <(migration-proxy __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _migration_proxy migration-proxy
`,
  zsh: `#compdef migration-proxy
_migration_proxy() {
  local -a lines
  lines=("\${(@f)$(migration-proxy __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if (( \${lines[(Ie):files]} )); then
    _files
    lines=("\${(@)lines:#:files}")
  fi
  lines=("\${(@)lines:#}")
  compadd -a lines
}
compdef _migration_proxy migration-proxy
`,
  fish: `function __migration_proxy
  set -l words (commandline -opc)[2..-1] (commandline -ct)
  for line in (migration-proxy __complete -- $words 2>/dev/null)
    if test "$line" = ":files"
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c migration-proxy -f -a "(__migration_proxy)"
`,
};

export function completionCommand(): Command {
  return new Command('completion')
    .summary('a completion script for your shell')
    .description('Prints a script that completes commands, flags and the names of services.')
    .addArgument(new Argument('<shell>', 'for which shell').choices(Object.keys(SCRIPTS)))
    .addHelpText(
      'after',
      helpTail(
        [
          'source <(migration-proxy completion bash)',
          'migration-proxy completion zsh > ~/.zfunc/_migration-proxy   # a directory of your fpath',
          'migration-proxy completion fish > ~/.config/fish/completions/migration-proxy.fish',
        ],
        ['0  done', '2  usage'],
      ),
    )
    .action((shell: string) => printData(SCRIPTS[shell]));
}

/** One candidate a line; the line `:files` asks the shell for file names. Never fails: a broken Tab helps nobody. */
export function completeCommand(program: () => Command): Command {
  return new Command('__complete').argument('[words...]').action(async (words: string[]) => {
    const { completionsOf } = await import('./completion.ts');
    const { words: candidates, also } = completionsOf(program(), words);
    const lines = [...candidates];
    if (also === 'files') lines.push(':files');
    if (also === 'services') lines.push(...(await serviceNames(words.at(-1) ?? '')));
    if (lines.length > 0) printData(lines.join('\n'));
  });
}

async function serviceNames(beginning: string): Promise<string[]> {
  try {
    const { askAdmin } = await import('./admin-client.ts');
    const { NAME_PATTERN } = await import('../migration/texts.ts');
    const base = adminUrl(process.env.MIGRATION_PROXY_ADMIN ?? 'http://127.0.0.1:8080');
    const status = await askAdmin(base, { path: '/status', timeoutMs: SERVICES_TIMEOUT_MS });
    const { services } = status as { readonly services: readonly { readonly name: string }[] };
    // Whoever answers there: what lands on the command line is no more than a name.
    const names = services.map(({ name }) => name).filter((name) => new RegExp(NAME_PATTERN).test(name));
    return names.filter((name) => name.startsWith(beginning));
  } catch {
    return [];
  }
}
