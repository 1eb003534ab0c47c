/**
 * An explained decision for people: where the request goes, why, which rules were asked, and what would change it. Pure.
 */
import type { RuleExplanation, SourcedExplanation } from '../allocator/explanation.ts';
import { type Paint, plain } from './streams.ts';

const LABEL_WIDTH = 10;
/** Rules that did not match are told up to this many, then counted: a service may have 1 000 CIDRs. */
const MISSES_SHOWN = 20;

export function renderExplanation(explanation: SourcedExplanation, paint: Paint): string[] {
  const line = (label: string, text: string) => `${paint('dim', label.padEnd(LABEL_WIDTH))}${plain(text)}`;
  const { cluster, key, probe, drawn, without_fallback: steady } = explanation;
  const target = cluster === null ? 'new or old, drawn for each request' : cluster;
  const lines = [
    `${paint('bold', plain(explanation.service))} -> ${paint(cluster === 'new' ? 'cyan' : 'bold', target)}`,
    line('reason', explanation.reason + (explanation.rule === null ? '' : `, ${explanation.rule}`)),
  ];
  if (explanation.rule_text !== null) lines.push(line('rule', explanation.rule_text));
  lines.push(line('strategy', `${explanation.strategy}, ${explanation.percentage} %`));
  if (drawn !== null) lines.push(line('drawn', `${drawn.new_percent} % of such requests go to new`));
  if (key !== null) {
    lines.push(line('key', `"${key.id}" from ${key.from} ${key.name}`));
    lines.push(line('bucket', `${key.bucket.toFixed(2)} of 100 (${key.hash} of "${key.hashed}")`));
    if (key.flips_at !== null) lines.push(line('flips', `goes to new from ${key.flips_at} % on`));
  }
  lines.push(line('state', explanation.state));
  // A proxy of before does not say it.
  if (explanation.source) lines.push(line('source', explanation.source));
  if (probe !== null) {
    const who = probe.admission === 'one' ? 'one request at a time' : `${probe.admitted_percent} % of new's share`;
    lines.push(line('probing', `${who}; this request is ${probe.admitted ? '' : 'not '}admitted`));
  }
  if (steady !== null) {
    const rule = steady.rule === null ? '' : `, ${steady.rule}`;
    lines.push(line('otherwise', `${steady.cluster ?? 'drawn'} (${steady.reason}${rule})`));
  }
  for (const rule of shownRules(explanation.rules)) lines.push(line(rule.matched ? 'matched' : 'asked', asText(rule)));
  const hidden = explanation.rules.length - shownRules(explanation.rules).length;
  if (hidden > 0) lines.push(line('', `and ${hidden} more that did not match`));
  for (const note of explanation.notes) lines.push(line('note', note));
  return lines;
}

function shownRules(rules: readonly RuleExplanation[]): readonly RuleExplanation[] {
  let misses = 0;
  return rules.filter((rule) => rule.matched || ++misses <= MISSES_SHOWN);
}

function asText({ path, rule, why }: RuleExplanation): string {
  return `${path}: ${rule} (${why})`;
}
