/**
 * The module's verdict on a configuration is that of `keepalived --config-test`. A few hundred
 * configurations each time; KEEPALIVED_RUNS=3000 tries more of each kind, and all edges.
 * KEEPALIVED=/path/to/keepalived asks another release.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { printDocument } from '../../src/keepalived/config/document/document.ts';
import { parseDocument } from '../../src/keepalived/config/document/parse.ts';
import { formatFinding } from '../../src/keepalived/config/finding.ts';
import { includeFromDisk } from '../../src/keepalived/config/node-includes.ts';
import { read } from '../../src/keepalived/config/read/read.ts';
import { formatVersion } from '../../src/keepalived/config/version.ts';
import { format } from '../../src/keepalived/config/write/format.ts';
import { edgeCases } from './keepalived-config-cases.ts';
import { configurationText, draws } from './keepalived-config-generate.ts';
import { Judge, installedKeepalived, interfaceNames } from './keepalived-config-judge.ts';
import { mutatedText } from './keepalived-config-mutate.ts';

const build = installedKeepalived();
const drawn = draws(200);
const samples = '/usr/share/doc/keepalived/samples';

describe('the verdict on a configuration', {
  skip: build ? false : 'keepalived is not installed',
}, () => {
  let judge: Judge;
  before(() => { judge = new Judge(build!); });
  after(() => { judge.close(); });

  function readHere(text: string) {
    return read(text, {
      version: build!.version, facts: judge.facts, configId: 'node1', directory: samples,
      environment: process.env, include: includeFromDisk,
    });
  }

  async function assertSame(text: string, title = ''): Promise<void> {
    const [{ status, output }, { accepted, findings }] = [await judge.ask(text), readHere(text)];
    assert.equal(accepted, status === 0, `${title}\nkeepalived ended with ${status ?? 'a signal'}: `
      + `${output}\nfound: ${findings.map(formatFinding).join('\n')}\n${text}`);
  }

  it('is that of keepalived for the edges of what each keyword may hold', async () => {
    const all = edgeCases(build!.version);
    const step = Math.max(1, Math.floor(all.length / (2 * drawn.numRuns)));
    const offset = drawn.seed % step;
    for (let index = offset; index < all.length; index += step) {
      const { text, title } = all[index]!;
      await assertSame(text, title);
    }
  });

  it('is that of keepalived for whole configurations', async () => {
    await fc.assert(fc.asyncProperty(configurationText, (text) => assertSame(text)), drawn);
  });

  it('is that of keepalived for what an editor may make of one', async () => {
    await fc.assert(fc.asyncProperty(mutatedText, (text) => assertSame(text)), drawn);
  });
});

/** On these, this keepalived reads for ever. */
function neverEnds(name: string): boolean {
  return build !== undefined && formatVersion(build.version) === '2.3.3'
    && name === 'keepalived.conf.SMTP_CHECK';
}

function sampleNames(): string[] {
  try {
    return readdirSync(samples).filter((name) => name.startsWith('keepalived.conf'));
  } catch {
    return [];
  }
}

describe('the sample configurations that come with keepalived', {
  skip: !build ? 'keepalived is not installed'
    : sampleNames().length === 0 ? `there are none in ${samples}` : false,
}, () => {
  let judge: Judge;
  before(() => { judge = new Judge(build!, [...interfaceNames, 'lo0']); });
  after(() => { judge.close(); });

  for (const name of sampleNames()) {
    it(`${name} is read and written without loss, and judged as keepalived does`, async () => {
      const file = join(samples, name);
      const text = readFileSync(file, 'utf8');
      assert.equal(printDocument(parseDocument(text)), text);

      const options = { file, version: build!.version, configId: 'node1', facts: judge.facts };
      const first = read(text, options);
      const written = format(first.configuration, { version: build!.version });
      const again = read(written, options);
      assert.deepEqual(again.configuration, first.configuration);
      // What an old word is refused for, its new one is accepted for, and that is what is written.
      assert.ok(again.accepted || !first.accepted, written);

      if (neverEnds(name)) return;
      const verdict = await judge.askFile(file);
      assert.equal(first.accepted, verdict.status === 0,
        `${verdict.output}\n${first.findings.map(formatFinding).join('\n')}`);
      assert.equal((await judge.ask(written)).status === 0, again.accepted, written);
    });
  }
});
