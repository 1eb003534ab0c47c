/**
 * docs/observability.md against a proxy that runs: its fields are those of the real `/status`, its metrics and labels those of the
 * real `/metrics`, and the alerts and queries ask for nothing else.
 */
import { expect } from 'chai';
import type { HappeningKind } from '../../src/controller/happening.ts';
import { eventOf } from '../../src/kubernetes/event-of.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { parsePrometheusText } from '../support/prometheus-text.ts';
import { ask } from '../support/raw-client.ts';
import { OK, Recorder } from '../support/recorder.ts';
import { RunningProxy } from '../support/running-proxy.ts';
import { blocksOf, codesIn, pageText, rowsOf, sectionOf } from './page.ts';

const PAGE = pageText('docs/observability.md');
/** Added by Prometheus to a histogram's samples. */
const BUILT_IN = ['le'];

const EVERY_KIND: Readonly<Record<HappeningKind, true>> = {
  applied: true,
  rejected: true,
  percentage: true,
  reverted: true,
  changed: true,
  fallen_back: true,
  probing: true,
  recovered: true,
  held: true,
  resumed: true,
};
const KINDS = Object.keys(EVERY_KIND) as HappeningKind[];
const ABOUT = { uid: 'u', namespace: 'prod', name: 'migration-config' };
const HAPPENING = {
  service: 'a',
  atMs: 0,
  by: '',
  from: null,
  to: null,
  why: '',
  message: '',
  identity: '',
  about: ABOUT,
};

describe('docs/observability.md', () => {
  let old: Recorder;
  let proxy: RunningProxy;

  before(async () => {
    old = await Recorder.listen(OK);
    proxy = await RunningProxy.start(`services:
  - name: shop
    old_host: shop.test
    old_backend: 127.0.0.1:${old.port}
    new_host: shop.new.test
    new_backend: 127.0.0.1:${await freePort()}
    migration: { percentage: 100 }
`);
    // One request that new fails and old saves, and one that nobody takes.
    expect((await ask(proxy.port, { host: 'shop.test' })).status).to.equal(200);
    expect((await ask(proxy.port, { host: 'nobody.test' })).status).to.equal(404);
  });

  after(async () => {
    await proxy.stop();
    await old.close();
  });

  it('describes the fields that /status has, and no other', async () => {
    const status = await proxy.status();
    const real = new Set(fieldsOf(status));
    const described = rowsOf(sectionOf(PAGE, '`/status`')).flatMap(([fields]) => codesIn(fields));
    expect(described).not.to.deep.equal([]);
    for (const field of described) expect(real, field).to.include(field);
    const [{ text }] = blocksOf(PAGE).filter(({ info }) => info === 'json answer');
    expect([...real]).to.have.members([...new Set(fieldsOf(JSON.parse(text)))]);
  });

  it('has every kind of the history, and every reason and type of an Event', () => {
    const kinds = rowsOf(sectionOf(PAGE, 'History')).flatMap(([cell]) => codesIn(cell));
    expect(kinds).to.have.members(KINDS.filter((kind) => kind !== 'applied'));
    const events = KINDS.flatMap((kind) => eventOf({ ...HAPPENING, kind }, 'pod-a') ?? []);
    const listed = rowsOf(sectionOf(PAGE, 'Kubernetes Events')).flatMap(([reasons, types]) =>
      codesIn(reasons).map((reason, i) => `${reason} ${types.split(', ')[i]}`),
    );
    expect(listed).to.have.members(events.map(({ reason, type }) => `${reason} ${type}`));
  });

  it('lists the metrics that /metrics has, with their types and labels', async () => {
    const listed = new Map(
      rowsOf(sectionOf(PAGE, 'Metrics')).map(([name, type, labels]) => [
        codesIn(name)[0],
        { type, labels: codesIn(labels) },
      ]),
    );
    const families = await eventually('every metric has a sample', async () => {
      const text = (await proxy.askAdmin('/metrics')).body.toString();
      const ours = [...parsePrometheusText(text)].filter(([name]) => name.startsWith('migration_proxy_'));
      return ours.every(([, { samples }]) => samples.length > 0) ? ours : null;
    });
    expect(families.map(([name]) => name)).to.have.members([...listed.keys()]);
    for (const [name, { type, samples }] of families) {
      expect(type, name).to.equal(listed.get(name)?.type);
      for (const { labels } of samples) {
        const own = Object.keys(labels).filter((label) => !BUILT_IN.includes(label));
        expect(own, name).to.have.members(listed.get(name)!.labels);
      }
    }
  });

  it('asks in alerts and queries only for metrics and labels that there are', () => {
    const listed = new Map(
      rowsOf(sectionOf(PAGE, 'Metrics')).map(([name, , labels]) => [codesIn(name)[0], codesIn(labels)]),
    );
    const queries = blocksOf(PAGE).filter(({ text }) => text.includes('sum by'));
    expect(queries).to.have.length(2);
    for (const { text } of queries) {
      for (const [, name, selector] of text.matchAll(/\b(migration_proxy_\w+)(?:\{([^}]*)\})?/g)) {
        const family = name.replace(/_bucket$/, '');
        expect([...listed.keys()], name).to.include(family);
        const labels = [...(selector ?? '').matchAll(/(\w+)\s*(?:=|!=)/g)].map(([, label]) => label);
        for (const label of labels) expect(listed.get(family), `${name} ${label}`).to.include(label);
      }
      for (const [, labels] of text.matchAll(/\bby \(([^)]*)\)/g)) {
        for (const label of labels.split(/,\s*/)) {
          expect([...BUILT_IN, ...[...listed.values()].flat()], label).to.include(label);
        }
      }
    }
  });
});

/** Every key: `config.source` of what is inside `config`, and of each service the bare key. */
function fieldsOf(report: object): string[] {
  const { config, services, ...rest } = report as { config: object; services: object[] };
  return [
    ...Object.keys(rest),
    'services',
    ...Object.keys(config).map((key) => `config.${key}`),
    ...services.flatMap((service) => Object.keys(service)),
  ];
}
