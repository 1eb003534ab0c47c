import { expect } from 'chai';
import fc from 'fast-check';
import { runsOf } from '../../test/support/runs.ts';
import { setPercentage } from './edit.ts';
import { readSource } from './parse.ts';

function edited(text: string, name = 'a', percentage = 30): string {
  const result = setPercentage(text, 'm.yaml', name, percentage);
  if (!result.ok) throw new Error(result.message);
  return result.text;
}

function refusal(text: string, name = 'a', percentage = 30): string {
  const result = setPercentage(text, 'm.yaml', name, percentage);
  if (result.ok) throw new Error(`not refused: ${result.text}`);
  return `${result.code}: ${result.message}`;
}

describe('editing a percentage', () => {
  const cases: readonly [string, string, string][] = [
    [
      'in a block map',
      'services:\n  - name: a\n    migration:\n      percentage: 20  # 20%流量\n',
      'services:\n  - name: a\n    migration:\n      percentage: 30  # 20%流量\n',
    ],
    [
      'in a flow map',
      'services:\n- { name: a, migration: { enabled: true, percentage: 20 } } # c\n',
      'services:\n- { name: a, migration: { enabled: true, percentage: 30 } } # c\n',
    ],
    [
      'in JSON',
      '{"services":[{"name":"a","migration":{"percentage":20}}]}',
      '{"services":[{"name":"a","migration":{"percentage":30}}]}',
    ],
    [
      'where the key is missing, behind the strategy',
      'services:\n  - name: a\n    migration:\n      enabled: true\n      strategy: weight # s\n      cohort: c\n',
      'services:\n  - name: a\n    migration:\n      enabled: true\n      strategy: weight # s\n      percentage: 30\n      cohort: c\n',
    ],
    [
      'where migration is missing, behind the name',
      'services:\n  - old_host: x\n    name: a # c\n  - name: b\n',
      'services:\n  - old_host: x\n    name: a # c\n    migration: { percentage: 30 }\n  - name: b\n',
    ],
    [
      'where migration is empty',
      'services:\n  - name: a\n    migration: # c\n',
      'services:\n  - name: a\n    migration: { percentage: 30 } # c\n',
    ],
    [
      'where the value is empty',
      'services:\n  - name: a\n    migration:\n      percentage:\n      enabled: true\n',
      'services:\n  - name: a\n    migration:\n      percentage: 30\n      enabled: true\n',
    ],
    [
      'in an empty flow map',
      'services: [ { name: a, migration: {} } ]',
      'services: [ { name: a, migration: { percentage: 30 } } ]',
    ],
    [
      'with CRLF',
      'services:\r\n  - name: a\r\n    migration:\r\n      enabled: true\r\n',
      'services:\r\n  - name: a\r\n    migration:\r\n      enabled: true\r\n      percentage: 30\r\n',
    ],
    [
      'at the end of a text without a last line end',
      'services:\n  - name: a\n    migration:\n      enabled: true',
      'services:\n  - name: a\n    migration:\n      enabled: true\n      percentage: 30',
    ],
    [
      'inside the block of a ConfigMap',
      'kind: ConfigMap\ndata:\n  migration.yaml: |\n    services:\n\n      - name: a # c\n        migration:\n          enabled: true\n      - name: b\n',
      'kind: ConfigMap\ndata:\n  migration.yaml: |\n    services:\n\n      - name: a # c\n        migration:\n          enabled: true\n          percentage: 30\n      - name: b\n',
    ],
    [
      'in the second document of a manifest',
      'kind: Service\n---\nkind: ConfigMap\ndata:\n  migration.yaml: |-\n    services: [ { name: a, migration: { percentage: 1 } } ]\n---\nkind: X\n',
      'kind: Service\n---\nkind: ConfigMap\ndata:\n  migration.yaml: |-\n    services: [ { name: a, migration: { percentage: 30 } } ]\n---\nkind: X\n',
    ],
    [
      'of the first of two with one name, which is the one that serves',
      'services: [ { name: a, migration: { percentage: 1 } }, { name: a, migration: { percentage: 2 } } ]',
      'services: [ { name: a, migration: { percentage: 30 } }, { name: a, migration: { percentage: 2 } } ]',
    ],
    [
      'beside anchors that have nothing to do with it',
      'services:\n  - name: a\n    fallback: &f { max_failures: 1 }\n    migration: { percentage: 1 }\n  - { name: b, fallback: *f }\n',
      'services:\n  - name: a\n    fallback: &f { max_failures: 1 }\n    migration: { percentage: 30 }\n  - { name: b, fallback: *f }\n',
    ],
  ];
  for (const [title, before, after] of cases) {
    it(title, () => expect(edited(before)).to.equal(after));
  }

  it('tells what it was, what it is and where', () => {
    const result = setPercentage('services:\n- name: a\n  migration: { percentage: 20.5 }\n', 'm.yaml', 'a', 0.07);
    expect(result).to.deep.include({ ok: true, from: 20.5, to: 0.07, line: 3 });
    expect(setPercentage('services:\n- name: a\n', 'm.yaml', 'a', 100)).to.deep.include({
      from: null,
      to: 100,
      line: 3,
    });
  });

  it('changes nothing where the percentage is the same', () => {
    const text = 'services: [ { name: a, migration: { percentage: 30 } } ]';
    expect(edited(text)).to.equal(text);
  });

  it('refuses what would change more than this one service', () => {
    const shared = 'is shared by an anchor or alias';
    const texts = [
      'services:\n- name: a\n  migration: &m { percentage: 1 }\n- name: b\n  migration: *m\n',
      'services:\n- name: b\n  migration: &m { percentage: 1 }\n- name: a\n  migration: *m\n',
      'services:\n- name: a\n  migration: { percentage: &p 1 }\n- name: b\n  migration: { percentage: *p }\n',
      'services:\n- &a { name: a, migration: { percentage: 1 } }\n- *a\n',
    ];
    for (const text of texts) expect(refusal(text), text).to.contain('refused: m.yaml: "a": ').and.to.contain(shared);
    expect(refusal('services: [ { name: &n a } , { name: b, migration: &n { percentage: 1 } }, *n ]', 'b')).to.contain(
      shared,
    );
  });

  it('refuses what it cannot edit or find', () => {
    expect(refusal('services: [ { name: b } ]')).to.equal('no_such_service: m.yaml has no service named "a"');
    expect(refusal('services: [')).to.contain('refused: m.yaml:1: is no YAML');
    expect(refusal('words')).to.contain('no_such_service');
    expect(refusal('services: [ { name: a, migration: [] } ]')).to.contain('migration holds no keys');
    expect(refusal('services: [ { name: a, migration: { percentage: [1] } } ]')).to.contain('no single value');
    expect(refusal('kind: ConfigMap\ndata: { migration.yaml: "services: [ { name: a } ]" }')).to.contain(
      'write it as a block',
    );
    for (const percentage of [-1, 100.5, 0.001, Number.NaN]) {
      expect(refusal('services: [ { name: a } ]', 'a', percentage)).to.contain('bad_value: a percentage is a number');
    }
  });

  it('changes one value and no other byte, however the text is written', () => {
    const spaces = fc.constantFrom('', ' ', '  ');
    const comment = fc.constantFrom('', ' # c', ' # percentage: 5');
    const value = fc.constantFrom('20', '"20"', "'x'", '0.5', '', '~', '1e1');
    const block = fc
      .tuple(
        fc.integer({ min: 1, max: 4 }),
        value,
        comment,
        comment,
        fc.constantFrom('enabled: true', 'strategy: "weight"', ''),
      )
      .map(([indent, percentage, first, second, other]) => {
        const pad = ' '.repeat(indent);
        const keys = [other && `    ${pad}${other}${first}`, `    ${pad}percentage: ${percentage}${second}`].filter(
          Boolean,
        );
        return ['    migration:', ...keys];
      });
    const flow = fc
      .tuple(
        spaces,
        spaces,
        comment,
        fc.constantFrom('percentage: 7', 'enabled: true', '"percentage":8,', 'enabled: false, cohort: x'),
      )
      .map(([before, after, end, keys]) => [`    migration: {${before}${keys}${after}}${end}`]);
    const migration = fc.oneof(block, flow, fc.constant([]), fc.constant(['    migration:']));
    const text = fc
      .tuple(migration, migration, comment, fc.constantFrom('\n', '\r\n'), fc.constantFrom('itself', 'manifest'))
      .map(([first, second, end, lineEnd, where]) => {
        const lines = [
          `services:${end}`,
          '  - name: b',
          ...first,
          '',
          '# between',
          `  - name: a${end}`,
          ...second,
          '    x: 1',
          '',
        ];
        if (where === 'itself') return lines.join(lineEnd);
        const body = lines.map((line) => (line === '' ? '' : `    ${line}`));
        return ['kind: ConfigMap', 'data:', '  migration.yaml: |', ...body].join(lineEnd);
      });
    fc.assert(
      fc.property(text, fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 10_000 }), (before, name, bp) => {
        const after = edited(before, name, bp / 100);
        const values = (of: string) =>
          readSource({ file: 'm', text: of, kind: 'file' }).services.map(
            ({ raw }) => raw.service as Record<string, unknown>,
          );
        for (const [i, service] of values(after).entries()) {
          const was = values(before)[i];
          const migration = { ...(was.migration as object), percentage: bp / 100 };
          expect(service).to.deep.equal(service.name === name ? { ...was, migration } : was);
        }
        let head = 0;
        while (head < before.length && before[head] === after[head]) head++;
        let tail = 0;
        while (tail < before.length - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
        expect(before.length - head - tail, 'bytes taken out').to.be.lessThan(6);
        expect(after.split('\r\n').length - 1 === after.split('\n').length - 1).to.equal(before.includes('\r\n'));
      }),
      { numRuns: runsOf(1500) },
    );
  });

  it('never throws, whatever the text', () => {
    const parts = fc.constantFrom(
      'services:',
      ' name: a',
      '- ',
      '\n',
      '  ',
      '{',
      '}',
      '[',
      ']',
      ',',
      '&a ',
      '*a',
      'migration: ',
      '? ',
      '|\n',
      '#',
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 25 }), (words) => {
        setPercentage(words.join(''), 'm', 'a', 30);
      }),
      { numRuns: runsOf(3000) },
    );
  });
});
