import { expect } from 'chai';
import { setPercentage } from '../migration/edit.ts';
import { readSource } from '../migration/parse.ts';
import { editPercentage, readConfiguration } from './config-reader.ts';

describe('controller/config-reader', () => {
  const service = (i: number): string =>
    `  - { name: s${i}, old_host: s${i}.old.test, old_backend: "10.0.0.1:80", new_host: s${i}.new.test, new_backend: "10.0.0.2:80", migration: { percentage: ${i === 7 ? 'lots' : 20} } }\n`;
  const text = (services: number): string =>
    `services:\n${Array.from({ length: services }, (_, i) => service(i)).join('')}`;

  for (const [name, services] of [
    ['at once', 10],
    ['in its thread', 300],
  ] as const) {
    it(`reads and edits ${name}, errors and places included, as the same functions do here`, async () => {
      const source = { file: 'migration.yaml', text: text(services), kind: 'file' as const };
      const read = await readConfiguration(source);
      expect(read).to.deep.equal(readSource(source));
      expect(read.errors.map(({ line }) => line)).to.deep.equal([9]);
      const edited = await editPercentage(source.text, source.file, 's3', 35);
      expect(edited).to.deep.equal(setPercentage(source.text, source.file, 's3', 35));
      expect(await editPercentage(source.text, source.file, 'nobody', 35)).to.include({ code: 'no_such_service' });
    });
  }
});
