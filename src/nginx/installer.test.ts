/**
 * A table on its way into nginx, rendered for real: a value that the text cannot hold, or that nginx refuses, costs its own
 * service alone.
 */
import { expect } from 'chai';
import { sampleSettings } from '../../test/support/nginx-settings.ts';
import { served } from '../allocator/sample.test.ts';
import type { ServedMigration } from '../migration/model.ts';
import { installServices } from './installer.ts';
import type { Candidate, Installed } from './plane-parts.ts';
import { refusedServices } from './process/bisect.ts';
import { RefusedServices } from './refused-services.ts';
import { render } from './renderer.ts';

const SETTINGS = sampleSettings();

function service(name: string, oldHost = `${name}.test`): ServedMigration {
  const sample = served({ name });
  return { ...sample, migration: { ...sample.migration, old: { ...sample.migration.old, host: oldHost } } };
}

/** Takes every text without one of `poison`. */
class StrawNginx {
  poison = '';
  checks = 0;
  installed = '';

  async check({ text }: Candidate): Promise<string | null> {
    this.checks++;
    return this.poison !== '' && text.includes(this.poison) ? `invalid ${this.poison}` : null;
  }

  async install(candidate: Candidate): Promise<Installed> {
    const message = await this.check(candidate);
    if (message !== null) return { ok: false, stage: 'check', message };
    this.installed = candidate.text;
    return { ok: true };
  }

  runningToken(): null {
    return null;
  }
}

describe('services on their way into nginx', function () {
  this.timeout(30_000);

  const install = async (services: readonly ServedMigration[], nginx: StrawNginx) => {
    const refused = new RefusedServices();
    const { result } = await installServices(services, new Map(), {
      process: nginx,
      render: (list, addresses) => render({ services: list, addresses, settings: SETTINGS }),
      findRefused: refusedServices,
      refused,
    });
    return { result, refused: refused.list(services) };
  };
  const named = (count: number): ServedMigration[] => Array.from({ length: count }, (_, i) => service(`s${i}`));

  // More than a hundred are rendered in a thread of their own, and its errors come from there.
  for (const count of [7, 130]) {
    it(`of ${count} one that the text cannot hold is left out, and the fault is named`, async () => {
      const [services, nginx] = [named(count), new StrawNginx()];
      services[4] = service('s4', 'no host; at all');
      const { result, refused } = await install(services, nginx);
      expect(result).to.deep.equal({ ok: true });
      expect(refused.map(({ service: name }) => name)).to.deep.equal(['s4']);
      expect(refused[0].message).to.contain('it is not served').and.to.contain('no host; at all');
      expect(nginx.installed).to.contain('s3.test').and.to.contain('s5.test').and.to.not.contain('at all');
    });
  }

  it('are not asked about once more together, when one is looked for', async () => {
    const [services, nginx] = [named(8), new StrawNginx()];
    nginx.poison = 's6.test';
    const { result, refused } = await install(services, nginx);
    expect(result).to.deep.equal({ ok: true });
    expect(refused[0].message).to.contain('it is not served: invalid s6.test');
    // Twice, as the first time it is tried by its old cluster alone: all; none, and three times two halves.
    expect(nginx.checks).to.be.at.most(2 * (1 + 1 + 6) + 1);
  });

  it('are not blamed for what is no value of theirs', async () => {
    const broken = installServices(named(3), new Map(), {
      process: new StrawNginx(),
      render: async () => {
        throw new Error('no templates');
      },
      findRefused: refusedServices,
      refused: new RefusedServices(),
    });
    expect(await broken.then(() => null, String)).to.contain('no templates');
  });
});
