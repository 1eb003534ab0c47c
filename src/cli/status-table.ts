/**
 * A status for people. In: the admin server's report and the time. Out: lines: what the proxy is doing, a table of services
 * with the worst first, and whatever is wrong with the configuration. Pure.
 */

import type { ClusterReport, ServiceReport, StatusReport } from '../status/report.ts';
import { age } from './age.ts';
import { apiServerTrouble, replicaLines } from './status-cluster.ts';
import { errorTexts } from './status-errors.ts';
import { type Condition, conditionOf, nginxTrouble, worstFirst } from './status-order.ts';
import { type Paint, plain, type Style } from './streams.ts';
import { type Cell, renderTable } from './table.ts';

const NO_DATA = '-';
const STYLES: Readonly<Record<Condition, Style>> = {
  both_failing: 'red',
  fallen_back: 'red',
  held: 'yellow',
  invalid: 'red',
  stale: 'yellow',
  probing: 'cyan',
  steady: 'green',
  disabled: 'dim',
};
const HEAD = [
  'SERVICE',
  'SOURCE',
  'STATE',
  'WANTED',
  'REAL',
  'STRATEGY',
  'OLD ERR',
  'OLD P95',
  'NEW ERR',
  'NEW P95',
  'SINCE',
  'WHY',
];

export function renderStatus(status: StatusReport, nowMs: number, paint: Paint): string[] {
  const trouble = nginxTrouble(status);
  return [
    summary(status, paint),
    ...replicaLines(status, nowMs, paint),
    '',
    ...serviceTable(status.services, nowMs, paint),
    ...block(trouble === null ? [] : [`${paint('red', 'error')}    ${plain(trouble)}`]),
    ...block(errorTexts(status.config.errors).map((text) => `${paint('red', 'error')}    ${plain(text)}`)),
    ...block(warningTexts(status).map((text) => `${paint('yellow', 'warning')}  ${plain(text)}`)),
  ];
}

function warningTexts(status: StatusReport): string[] {
  const trouble = apiServerTrouble(status);
  const others = status.warnings.map(({ service, message }) => `${service === null ? '' : `${service}: `}${message}`);
  return trouble === null ? others : [trouble, ...others];
}

function summary(status: StatusReport, paint: Paint): string {
  const { config } = status;
  const parts = [
    plain(`migration-proxy ${status.version}`),
    plain(status.replica),
    status.ready ? paint('green', 'ready') : paint('red', 'not ready'),
    `generation ${status.generation}`,
    plain(config.source),
  ];
  if (config.loaded_from === 'last_good') parts.push(paint('yellow', 'serving the last good configuration'));
  return parts.join('  ');
}

function serviceTable(services: readonly ServiceReport[], nowMs: number, paint: Paint): string[] {
  if (services.length === 0) return ['no service is served'];
  const rows = worstFirst(services).map((service) => rowOf(service, nowMs));
  const hasOneSource = new Set(services.map(({ source }) => source)).size === 1;
  return hasOneSource ? renderTable(HEAD.toSpliced(1, 1), withoutSource(rows), paint) : renderTable(HEAD, rows, paint);
}

function withoutSource(rows: readonly (readonly Cell[])[]): Cell[][] {
  return rows.map((row) => row.toSpliced(1, 1));
}

function rowOf(service: ServiceReport, nowMs: number): Cell[] {
  const condition = conditionOf(service);
  const number = (text: string, style?: Style): Cell => ({ text, align: 'right', style });
  return [
    { text: plain(service.name), style: 'bold' },
    sourceCell(service),
    { text: condition, style: STYLES[condition] },
    number(`${service.percentage}%`),
    number(service.new_share === null ? NO_DATA : percent(service.new_share)),
    { text: service.strategy },
    number(errorRate(service.old), styleOfRate(service.old)),
    number(latency(service.old)),
    number(errorRate(service.new), styleOfRate(service.new)),
    number(latency(service.new)),
    number(age(nowMs - Date.parse(service.state_since))),
    { text: plain(why(service, condition, nowMs)) },
  ];
}

/** A proxy of before does not say it. */
function sourceCell({ source }: Partial<ServiceReport>): Cell {
  return { text: plain((source ?? NO_DATA).replace(/^configmap:/, '')), style: 'dim' };
}

function why(service: ServiceReport, condition: Condition, nowMs: number): string {
  const parts: string[] = [];
  if (service.hold !== null) {
    parts.push(`held by ${service.hold.by}${service.hold.reason === '' ? '' : `: ${service.hold.reason}`}`);
  } else if (service.state_reason !== null && service.state !== 'steady') {
    parts.push(service.state_reason);
  }
  if (service.both_failing) parts.push('old and new both fail');
  if (service.probe_share !== null) {
    parts.push(
      service.probe_share === 0 ? 'one request at a time' : `${percent(service.probe_share)} of new's share admitted`,
    );
  }
  if (service.retry_at !== null) {
    const waitMs = Date.parse(service.retry_at) - nowMs;
    parts.push(waitMs > 0 ? `next try in ${age(waitMs)}` : 'next try when the check of new passes');
  }
  if (service.stale && condition !== 'stale') parts.push('stale');
  if (service.stale) parts.push('its last good version is served');
  if (service.invalid) parts.push('in error from the start: old alone serves it');
  return parts.join('; ');
}

function errorRate(cluster: ClusterReport): string {
  return cluster.error_rate === null ? NO_DATA : percent(cluster.error_rate);
}

function styleOfRate({ error_rate }: ClusterReport): Style | undefined {
  return error_rate !== null && error_rate > 0 ? 'red' : undefined;
}

function latency({ latency_ms: { p95 } }: ClusterReport): string {
  if (p95 === null) return NO_DATA;
  return p95 < 10 ? `${p95.toFixed(1)} ms` : `${Math.round(p95)} ms`;
}

/** Small rates must not read as none. */
function percent(rate: number): string {
  const value = rate * 100;
  return `${Number(value.toFixed(value !== 0 && value < 1 ? 2 : 1))}%`;
}

function block(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}
