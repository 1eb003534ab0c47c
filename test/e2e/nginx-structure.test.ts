/**
 * No value of any field changes the structure of the text: either the validator refuses it, or the tree of directives is that of a
 * harmless value, word for word but for the values.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import type { ServedMigration } from '../../src/migration/model.ts';
import { readSource } from '../../src/migration/parse.ts';
import { readTemplates } from '../../src/nginx/templates.ts';
import { renderNginx } from '../../src/nginx/text/render.ts';
import type { NginxSettings } from '../../src/nginx/text/settings.ts';
import { ConfigurationFault } from '../../src/nginx/text/token.ts';
import { documentWith, FIELDS, hostileText, MARKER } from '../support/hostile-fields.ts';
import { sampleSettings } from '../support/nginx-settings.ts';
import { shapeOf } from '../support/nginx-shape.ts';
import { readNginx } from '../support/nginx-tokens.ts';

const templates = readTemplates();

const SETTINGS = sampleSettings({
  user: 'www-data',
  workers: 2,
  shutdownTimeoutMs: 300_000,
  gzip: 'on',
  accessLogFile: '/var/log/access.log',
  limits: { sendTimeoutMs: 30_000 },
});

function textOf(services: readonly ServedMigration[], settings = SETTINGS): string {
  const { text, refused } = renderNginx({ services, addresses: (host) => [host], settings }, templates);
  expect(refused).to.deep.equal([]);
  return text;
}

/** Null: the validator refuses it. */
function servicesOf(document: unknown): ServedMigration[] | null {
  const { errors, services } = readSource({ file: 'm.yaml', text: JSON.stringify(document), kind: 'file' });
  if (errors.length > 0) return null;
  return services.map(({ migration }) => ({ migration: migration!, standing: 'valid' }));
}

function shape(text: string): string[] {
  expect(readNginx(text).directives.length).to.be.above(3);
  return shapeOf(readNginx(text));
}

describe('the structure of the nginx text', function () {
  this.timeout(60_000);

  for (const { name, right, put, harmless = () => right } of FIELDS) {
    it(`is the same whatever stands in ${name}`, () => {
      const document = documentWith();
      const shapes = new Map<string, string[]>();
      const expected = (value: string): string[] => {
        put(document, value);
        const known = shapes.get(value) ?? shape(textOf(servicesOf(document)!));
        shapes.set(value, known);
        return known;
      };
      fc.assert(
        fc.property(hostileText(right), (text) => {
          put(document, text);
          const services = servicesOf(document);
          if (services === null) return;
          expect(shape(textOf(services)), JSON.stringify(text)).to.deep.equal(expected(harmless(text)));
        }),
        { numRuns: 30 },
      );
    });
  }

  const settings: Readonly<Record<string, readonly [string, (text: string) => Partial<NginxSettings>]>> = {
    instance: ['migration-proxy', (instance) => ({ instance })],
    directory: ['/dev/shm/migration-proxy', (directory) => ({ directory })],
    'listen host': ['127.0.0.1', (host) => ({ listen: { host, port: 8000 } })],
    user: ['www-data', (user) => ({ user })],
    'access log': ['/var/log/access.log', (accessLogFile) => ({ accessLogFile })],
    'CA bundle': ['/etc/ssl/certs/ca-certificates.crt', (caBundle) => ({ caBundle })],
    'njs module': ['/usr/lib/nginx/modules/ngx_http_js_module.so', (njsModule) => ({ njsModule })],
  };
  const services = servicesOf(documentWith())!;
  for (const [name, [right, change]] of Object.entries(settings)) {
    it(`is the same whatever is given as ${name}`, () => {
      const expected = shape(textOf(services, { ...SETTINGS, ...change(right) }));
      fc.assert(
        fc.property(hostileText(right), (text) => {
          let printed: string;
          try {
            printed = textOf(services, { ...SETTINGS, ...change(text) });
          } catch (error) {
            expect(error, JSON.stringify(text)).to.be.instanceOf(ConfigurationFault);
            return;
          }
          expect(shape(printed), JSON.stringify(text)).to.deep.equal(expected);
        }),
        { numRuns: 30 },
      );
    });
  }

  it('has been tried with values that get past the validator, in every field that can hold them', () => {
    for (const { name, right, put } of FIELDS.filter(({ name }) => /value|cookie|path/.test(name))) {
      const document = documentWith();
      const texts = fc.sample(hostileText(right), { numRuns: 120, seed: 1 }).filter((text) => {
        put(document, text);
        return /[^A-Za-z0-9]/.test(text) && servicesOf(document) !== null;
      });
      expect(texts, name).to.have.length.above(1);
    }
  });

  it('would show it, were a value printed as it stands', () => {
    const naive = (value: string): string => `http { map $http_x $y { "${value}" new; } }`;
    const expected = shapeOf(readNginx(naive('value')));
    const breaks = (text: string): boolean => {
      try {
        return shapeOf(readNginx(naive(text))).join() !== expected.join();
      } catch {
        return true;
      }
    };
    const texts = fc.sample(hostileText('value'), { numRuns: 1_000, seed: 1 });
    expect(texts.filter(breaks)).to.have.length.above(50);
    expect(texts.filter((text) => breaks(text) && text.includes(MARKER))).to.have.length.above(10);
  });
});
