/**
 * nginx's own words. In: lines of its error log or of its standard error. Out: level and message of each, what of it a
 * person should read, and whether a reload has failed by it. Knows no file and no process.
 */
export interface LogLine {
  readonly level: string;
  /** Null in what nginx says before it has a log. */
  readonly pid: number | null;
  readonly message: string;
}

const LINE =
  /^(?:nginx: |\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d )\[(?<level>\w+)\] (?:(?<pid>\d+)#\d+: )?(?:\*\d+ )?(?<message>.*)$/;
const GRAVE = ['emerg', 'alert', 'crit', 'error'];
const MOST_WORDS = 2_000;

/** Lines of any other form are left out. */
export function logLines(text: string): LogLine[] {
  return text.split('\n').flatMap((line) => {
    const found = LINE.exec(line)?.groups;
    if (found === undefined) return [];
    const { level, pid, message } = found;
    return [{ level, pid: pid === undefined ? null : Number(pid), message }];
  });
}

/** What nginx complained of, each once, joined by `; `; '' when it said nothing of weight. */
export function complaints(lines: readonly LogLine[]): string {
  const grave = lines.filter(({ level }) => GRAVE.includes(level)).map(({ message }) => message);
  return shortened([...new Set(grave)].join('; '));
}

export function warningsIn(lines: readonly LogLine[]): string[] {
  return [...new Set(lines.filter(({ level }) => level === 'warn').map(({ message }) => message))];
}

/** Of a program that ended badly: its complaints, else all it said, else the code it ended with. */
export function lastWords(said: string, ending: string): string {
  const grave = complaints(logLines(said));
  if (grave !== '') return grave;
  const rest = said
    .split('\n')
    .filter((line) => line.trim() !== '' && !/configuration file .* test failed$/.test(line));
  return rest.length === 0 ? `it ended with ${ending} and said nothing` : shortened([...new Set(rest)].join('; '));
}

/** PCRE1 does not know (*NO_JIT), with which the regex of a rule begins in our texts. */
const PCRE1 = /pcre_compile\(\) failed: \(\*VERB\)/;

/** As it is told to people who do not have the text: without nginx's place in it. */
export function forPeople(message: string): string {
  if (PCRE1.test(message)) {
    return 'this nginx is built with PCRE1, and rules with a regex need PCRE2; use an nginx that is built with it, such as that of Debian 12';
  }
  return message.replace(/ in \/\S*\/nginx\.conf:\d+/g, '');
}

/** Whether a line may be of a text that is loaded: of the master, or of a worker that cannot work at all. */
export function isOfLoading({ level, pid }: LogLine, masterPid: number): boolean {
  return pid === masterPid || level === 'emerg' || level === 'alert';
}

/**
 * Why a reload will not come about, null while it still may. A port in use is tried five times within 2.5 s, then
 * "still could not bind()" (ngx_open_listening_sockets of nginx 1.22).
 */
export function reloadRefusal(lines: readonly LogLine[], masterPid: number): string | null {
  const final = lines.some(
    ({ level, pid, message }) =>
      pid === masterPid &&
      ((level === 'emerg' && !/ failed \(\d+: Address (already )?in use\)/.test(message)) ||
        (level === 'alert' && message.includes('cannot be respawned'))),
  );
  if (!final) return null;
  // A worker that cannot work says why, the master only that it is gone.
  const speakers = new Set([masterPid]);
  for (const { message } of lines) {
    const worker = /^worker process (\d+) exited with fatal code/.exec(message)?.[1];
    if (worker !== undefined) speakers.add(Number(worker));
  }
  return complaints(lines.filter(({ pid }) => pid !== null && speakers.has(pid)));
}

/** Why a master is gone. `log`: the end of its error log. What it last complained of in its log, else how it ended, as far as that is known. */
export function deathWords(
  log: string,
  masterPid: number,
  ending: { code: number | null; signal: string | null },
): string {
  const own = logLines(log).filter(({ level, pid }) => pid === masterPid && (level === 'emerg' || level === 'alert'));
  const how =
    ending.signal !== null ? `signal ${ending.signal}` : ending.code !== null ? `code ${ending.code}` : 'unknown';
  const words = complaints(own.slice(-3));
  return `nginx ended (${how})${words === '' ? '' : `; its last complaints: ${words}`}`;
}

function shortened(text: string): string {
  return text.length <= MOST_WORDS ? text : `${text.slice(0, MOST_WORDS)}...`;
}
