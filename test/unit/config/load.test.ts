import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { defaultConfigFile, loadConfig, whyNoEips } from '../../../src/config/load.ts';
import type { LoadedConfig } from '../../../src/config/load.ts';
import { options } from '../../../src/config/options.ts';
import type { Option } from '../../../src/config/option.ts';
import { formatProblem } from '../../../src/config/problem.ts';
import type { FileRead } from '../../../src/config/read-file.ts';
import { certificate, key, otherKey } from './pem.ts';

interface Given {
  readonly file?: string;
  readonly flags?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, FileRead | string>>;
  readonly hostName?: string;
}

function load({ file, flags = {}, env = {}, files = {}, hostName = 'host-1' }: Given): LoadedConfig {
  const all: Record<string, FileRead | string> = { ...files };
  if (file !== undefined) all[defaultConfigFile] = file;
  return loadConfig({
    flags, env, hostName,
    readFile: (path) => {
      const read = all[path] ?? { kind: 'missing' };
      return typeof read === 'string' ? { kind: 'text', text: read } : read;
    },
  });
}

function config(given: Given) {
  const loaded = load(given);
  assert.ok('config' in loaded, 'problems' in loaded ? loaded.problems.map(formatProblem).join('\n') : '');
  return loaded.config;
}

function problems(given: Given): string[] {
  const loaded = load(given);
  assert.ok('problems' in loaded, 'nothing was refused');
  return loaded.problems.map(formatProblem);
}

describe('the configuration', () => {
  it('stands on defaults alone', () => {
    assert.deepEqual(config({}), {
      node: { name: 'host-1', labels: {}, weight: 100 },
      store: {
        kind: 'etcd', requestTimeoutMs: 1000,
        etcd: { endpoints: ['http://127.0.0.1:2379'], prefix: '/tenure/' },
        kubernetes: {},
      },
      witness: false, leaseMs: 5000, settleMs: 1000, heartbeat: null, holdMs: 300_000,
      eips: {
        announce: 'bind', failbackMs: null,
        burst: { count: 5, intervalMs: 100, growth: 2, refreshMs: 60_000 },
      },
      eipsDirectory: null,
      vip: {
        advertMs: 1000, virtualMac: false, peers: [], trackInterfaces: [], trackProcesses: [],
        trackScript: null, keyFile: null, runDirectory: '/run/tenure/keepalived',
        program: 'keepalived',
      },
      lingerMs: 1000, fence: 'auto', log: { level: 'info', format: 'auto' },
      http: { host: '127.0.0.1', port: 9476 },
    });
  });

  it('takes a flag before a variable, a variable before the file, the file before the default', () => {
    const file = 'node: {name: from-file}\n';
    const env = { TENURE_NODE_NAME: 'from-env' };
    const flags = { 'node-name': 'from-flag' };
    assert.equal(config({ file, env, flags }).node.name, 'from-flag');
    assert.equal(config({ file, env }).node.name, 'from-env');
    assert.equal(config({ file, env: { TENURE_NODE_NAME: '' } }).node.name, 'from-file');
    assert.equal(config({ file: '' }).node.name, 'host-1');
  });

  it('reads every option alike from a flag, a variable and the file', () => {
    const samples: Record<string, string> = {
      'node.name': 'n', 'node.labels': 'rack=r1,zone=a', 'node.weight': '7', 'store.kind': 'kubernetes',
      'store.requestTimeout': '300ms', 'store.etcd.endpoints': 'http://a:1,http://[::1]:2',
      'store.kubernetes.kubeconfig': '/kube', 'store.kubernetes.context': 'c',
      'store.kubernetes.namespace': 'ns', 'store.etcd.prefix': '/p', 'store.etcd.user': 'u', 'store.etcd.passwordFile': '/pw',
      'lease.duration': '3s', 'lease.settleTime': '0s', 'eips.announce': 'respond',
      'eips.failback': '5m', 'eips.burst': 'count=3,refresh=0', 'eips.linger': '0ms',
      'fence.mode': 'arp', 'log.level': 'debug', 'log.format': 'json', 'http.listen': '[::1]:80',
    };
    const flags: Record<string, string> = {};
    const env: Record<string, string> = {};
    const file: Record<string, unknown> = {};
    for (const option of Object.values(options) as Option<unknown>[]) {
      const sample = samples[option.path];
      if (sample === undefined) continue;
      flags[option.flag ?? ''] = sample;
      env[option.variable] = sample;
      let place = file;
      const steps = option.path.split('.');
      for (const step of steps.slice(0, -1)) {
        place = (place[step] ??= {}) as Record<string, unknown>;
      }
      place[steps.at(-1) ?? ''] = sample;
    }
    const files = { '/pw': 'secret\n', '/kube': '{}' };
    const byFlag = config({ flags, files });
    assert.deepEqual(config({ env, files }), byFlag);
    assert.deepEqual(config({ file: JSON.stringify(file), files }), byFlag);
    assert.deepEqual(byFlag.store.etcd.endpoints, ['http://a:1', 'http://[::1]:2']);
    assert.equal(byFlag.store.etcd.user, 'u');
    assert.equal(byFlag.store.etcd.password, 'secret');
    assert.equal(byFlag.store.etcd.prefix, '/p/');
    assert.deepEqual(byFlag.store.kubernetes, { kubeconfig: '/kube', context: 'c', namespace: 'ns' });
    assert.deepEqual(byFlag.eips.burst, { count: 3, intervalMs: 100, growth: 2, refreshMs: 0 });
    assert.equal(byFlag.eips.failbackMs, 300_000);
    assert.deepEqual(byFlag.http, { host: '::1', port: 80 });
  });

  it('reads lists and maps of YAML, numbers in them too', () => {
    const file = 'node:\n  labels: {rack: 1, spot: true}\nstore:\n  etcd:\n    endpoints:\n    - http://a\n    - http://b:7\neips:\n  burst: {count: 2, growth: 1.5}\n';
    const read = config({ file });
    assert.deepEqual(read.node.labels, { rack: '1', spot: 'true' });
    assert.deepEqual(read.store.etcd.endpoints, ['http://a:2379', 'http://b:7']);
    assert.equal(read.eips.burst.growth, 1.5);
  });

  it('reports all that is wrong at once, each with file and line, flag or variable', () => {
    assert.deepEqual(problems({
      file: 'node:\n  name: Web_1\n  wieght: 3\nlease:\n  duration: 5\nhttp:\n  listen: nowhere\n',
      env: { TENURE_NODE_NAM: 'x', TENURE_LOG_LEVEL: 'loud' },
      flags: { 'etcd-endpoints': 'localhost:2379' },
    }), [
      '/etc/tenure/tenure.yaml:2: node.name: "Web_1" is not a name of lower-case letters, digits, "-" and ".", with a letter or digit at both ends: write web-1.',
      '/etc/tenure/tenure.yaml:3: node.wieght: unknown field: did you mean "weight"?',
      '/etc/tenure/tenure.yaml:5: lease.duration: "5" lacks a unit: write 5s or 5ms.',
      '/etc/tenure/tenure.yaml:7: http.listen: "nowhere" is not address:port: write it as 127.0.0.1:9476, [::1]:9476, :9476 for every address, or off.',
      'TENURE_NODE_NAM: unknown variable: did you mean TENURE_NODE_NAME?',
      '--etcd-endpoints: "localhost:2379" is not an endpoint: write it as http://192.0.2.1:2379 or https://etcd.example:2379.',
      'TENURE_LOG_LEVEL: "loud" is unknown: known are error, warn, info and debug',
    ]);
  });

  it('checks what is overridden too', () => {
    assert.deepEqual(problems({ file: 'lease: {duration: x}', flags: { 'lease-duration': '3s' } }).length, 1);
  });

  it('points from a field in the wrong place to the right one', () => {
    assert.match(problems({ file: 'endpoints: [http://a]' }).join(), /did you mean "store.etcd.endpoints"\?/);
  });

  it('lets variables be that Kubernetes makes for a Service called tenure', () => {
    config({ env: {
      TENURE_SERVICE_HOST: '10.0.0.1', TENURE_SERVICE_PORT: '9476', TENURE_PORT: 'tcp://10.0.0.1:9476',
      TENURE_PORT_9476_TCP_ADDR: '10.0.0.1', TENURE_SERVICE_PORT_HTTP: '9476',
    } });
  });

  it('takes the host name in lower case, and refuses one that many hosts have', () => {
    assert.equal(config({ hostName: 'Web-1.Example' }).node.name, 'web-1.example');
    assert.match(problems({ hostName: 'localhost' }).join(), /^host name: node.name: "localhost"/);
    assert.match(problems({ hostName: 'my_host' }).join(), /write my-host/);
    config({ hostName: 'my_host', flags: { 'node-name': 'ok' } });
  });

  it('demands the file that is named, and not the one that is not', () => {
    assert.deepEqual(problems({ flags: { config: 'x.yaml' } }), ['--config: config: "x.yaml" is not there: name the file that holds the configuration.']);
    assert.match(problems({ env: { TENURE_CONFIG: 'x.yaml' } }).join(), /^TENURE_CONFIG: config: "x.yaml"/);
    const files = { 'x.yaml': { kind: 'unreadable', why: 'is a directory: name a file.' } } as const;
    assert.deepEqual(problems({ flags: { config: 'x.yaml' }, files }), ['--config: config: "x.yaml" is a directory: name a file.']);
  });

  it('refuses a file that is something else', () => {
    const cases: Record<string, RegExp> = {
      'apiVersion: v1': /is a manifest.*tenure apply/, '[1]': /a list stands where fields/, 'hello': /"hello" stands/,
      'a: [': /not valid YAML/, 'node: {name: a}\n---\nnode: {name: b}': /:3: is a second YAML document/,
      'node: 5': /node: 5 stands where fields/, 'node: {name: }': /node.name: has no value/,
      'node: {name: [a]}': /node.name: a list stands where one value/, 'lease: {duration: {a: 1}}': /fields stand where one value/,
      'node: {labels: [a]}': /a list stands where a map/, 'node: {labels: {a: [b]}}': /node.labels.a: a list stands/,
      'store: {etcd: {endpoints: {a: b}}}': /fields stand where a list/,
    };
    for (const [file, why] of Object.entries(cases)) assert.match(problems({ file }).join('\n'), why, file);
    config({ file: '# nothing\n' });
    config({ file: 'node:\nlease:\n' });
  });

  it('refuses values out of bounds', () => {
    const cases: Record<string, readonly string[]> = {
      'node-name': ['', 'a_b', '-a', 'a'.repeat(254), 'a..b', 'ä'],
      'node-labels': ['a', 'a=b=c', '=b', 'a=b,a=c', 'a=-'],
      'node-weight': ['-1', '1001', '1.5', 'x', ''],
      store: ['consul', 'nothing', 'ETCD'], 'kube-namespace': ['', 'a_b', 'A', '-a', 'a.b', 'a'.repeat(64)],
      'store-request-timeout': ['49ms', '31s', '1'],
      'etcd-endpoints': ['', 'a:2379', 'ftp://a', 'http://', 'http://a/path', 'http://a?x', 'http://a,https://b', 'http://a,http://a:2379', 'http://a:0', 'http://a:99999', 'http://a b'],
      'etcd-prefix': ['', '/', '//', 'a', '/a b', '/ä', '/a//b', `/${'x'.repeat(200)}`],
      'lease-duration': ['1s', '1999ms', '2500ms', '301s', '5', '0s'],
      'settle-time': ['61s', '-1s'], announce: ['both'], failback: ['5', 'always', '8d'],
      burst: ['count=0', 'count=101', 'count', 'growth=0.5', 'growth=11', 'interval=1ms', 'refresh=10ms', 'colour=1', 'count=1,count=2', 'count=100', ''],
      'vip-advert-interval': ['9ms', '15ms', '41s'], 'vip-virtual-mac': ['yes'], eips: [''],
      linger: ['61s'], fence: ['off'], 'log-level': ['trace'], 'log-format': ['xml'],
      'http-listen': ['9476', 'localhost:9476', '127.0.0.1', '127.0.0.1:65536', '::1:80', '[127.0.0.1]:80', '[::1', '1.2.3.4.5:1'],
    };
    for (const [flag, values] of Object.entries(cases)) {
      for (const value of values) {
        if (flag === 'burst' && value === '') continue;
        assert.match(problems({ flags: { [flag]: value } })[0] ?? '', new RegExp(`^--${flag}: `), `${flag} ${value}`);
      }
    }
  });

  it('takes Eips from a directory without a store, and from nowhere else then', () => {
    const none = config({ flags: { store: 'none', eips: '/eips' } });
    assert.deepEqual([none.store.kind, none.eipsDirectory, whyNoEips(none)], ['none', '/eips', null]);
    assert.match(whyNoEips(config({ flags: { store: 'none' } })) ?? '', /eips\.directory: is missing.*--eips/);
    assert.equal(whyNoEips(config({})), null);
    assert.match(problems({ flags: { eips: '/eips' } }).join(), /--eips: eips\.directory: "\/eips" has no use.*say store: none/);
  });

  it('says in which seconds etcd counts, and what to write', () => {
    assert.match(problems({ flags: { 'lease-duration': '2500ms' } }).join(), /whole seconds, in which stores count leases: write 3s/);
  });

  it('refuses a request timeout of more than half a lease', () => {
    const [problem] = problems({ flags: { 'lease-duration': '2s', 'store-request-timeout': '1500ms' } });
    assert.match(problem ?? '', /^--store-request-timeout: store.requestTimeout: "1s500ms" is more than half.*write 1s or less/);
    config({ flags: { 'lease-duration': '2s' } });
  });
});

describe('the options of etcd', () => {
  const tls = { 'etcd-endpoints': 'https://a', 'etcd-cert-file': '/c', 'etcd-key-file': '/k' };

  it('carry the names of files that are sound', () => {
    const files = { '/c': certificate, '/k': key, '/ca': certificate };
    const { etcd } = config({ flags: { ...tls, 'etcd-ca-file': '/ca' }, files }).store;
    assert.deepEqual(etcd.tls, { ca: '/ca', cert: '/c', key: '/k' });
    assert.deepEqual(config({ flags: { 'etcd-endpoints': 'https://a' } }).store.etcd.tls, {});
  });

  it('find files of the configuration file beside it', () => {
    const file = 'store: {etcd: {user: a, passwordFile: pw}}';
    const files = { '/etc/tenure/pw': 'x' };
    assert.equal(config({ file, files }).store.etcd.password, 'x');
  });

  it('are refused where a file is missing, unreadable, something else, or another\'s', () => {
    const unreadable = { kind: 'unreadable', why: 'may not be read by this user.' } as const;
    const with_ = (files: Given['files'] = {}) => problems({ flags: tls, files }).join('\n');
    assert.match(with_({ '/c': certificate }), /^--etcd-key-file: store.etcd.keyFile: "\/k" is not there/);
    assert.match(with_({ '/c': unreadable, '/k': key }), /"\/c" may not be read by this user/);
    assert.match(with_({ '/c': 'x', '/k': key }), /"\/c" holds no certificate/);
    assert.match(with_({ '/c': certificate, '/k': certificate }), /"\/k" holds no private key/);
    assert.match(with_({ '/c': certificate, '/k': otherKey }), /"\/k" is not the key of "\/c"/);
  });

  it('are refused one without the other', () => {
    const files = { '/c': certificate, '/k': key, '/pw': 'x', '/empty': '\n' };
    const of = (flags: Record<string, string>, env = {}) => problems({ flags, env, files }).join('\n');
    const secure = { 'etcd-endpoints': 'https://a' };
    assert.match(of({ ...secure, 'etcd-cert-file': '/c' }), /lacks its key/);
    assert.match(of({ ...secure, 'etcd-key-file': '/k' }), /lacks its certificate/);
    assert.match(of({ 'etcd-ca-file': '/c' }), /no use with endpoints of http:/);
    assert.match(of({ 'etcd-user': 'a' }), /"a" has no password/);
    assert.match(of({ 'etcd-password-file': '/pw' }), /without a user/);
    assert.match(of({ 'etcd-user': 'a', 'etcd-password-file': '/empty' }), /is empty/);
    assert.match(of({ 'etcd-user': 'a', 'etcd-password-file': '/pw' }, { TENURE_ETCD_PASSWORD: 'x' }), /beside a password/);
  });

  it('never show a password', () => {
    const env = { TENURE_ETCD_PASSWORD: 'hunter2' };
    const given: Given[] = [
      { env }, { env, flags: { 'etcd-user': 'a', 'etcd-password-file': '/none' } },
      { flags: { 'etcd-endpoints': 'http://root:hunter2@a:2379' } },
      { file: 'store: {etcd: {endpoints: ["http://root:hunter2@a"]}}' },
    ];
    for (const one of given) assert.doesNotMatch(problems(one).join('\n'), /hunter2/);
    const loaded = load({ env, flags: { 'etcd-user': 'a' } });
    assert.ok('origins' in loaded);
    assert.doesNotMatch(JSON.stringify(loaded.origins), /hunter2/);
  });
});

describe('the options of Kubernetes', () => {
  it('need nothing but the kind: the pod, or the user, has the rest', () => {
    assert.equal(config({ file: 'store: kubernetes\n' }).store.kind, 'kubernetes');
    assert.equal(config({ file: 'store: {kind: kubernetes}\n' }).store.kind, 'kubernetes');
    assert.deepEqual(config({ env: { TENURE_STORE: 'kubernetes' } }).store.kubernetes, {});
    assert.deepEqual(problems({ file: 'store: kubernets\n' }), [
      '/etc/tenure/tenure.yaml:1: store.kind: "kubernets" is unknown: did you mean "kubernetes"?',
    ]);
  });

  it('are refused where the kubeconfig is missing or unreadable', () => {
    const of = (files: Given['files'] = {}) => (
      problems({ flags: { store: 'kubernetes', kubeconfig: '/k' }, files }).join('\n')
    );
    assert.equal(of(), '--kubeconfig: store.kubernetes.kubeconfig: "/k" is not there.');
    const unreadable = { kind: 'unreadable', why: 'may not be read by this user.' } as const;
    assert.match(of({ '/k': unreadable }), /"\/k" may not be read by this user/);
    const file = 'store: {kind: kubernetes, kubernetes: {kubeconfig: kube}}';
    assert.equal(config({ file, files: { '/etc/tenure/kube': '{}' } }).store.kubernetes.kubeconfig, '/etc/tenure/kube');
  });

  it('are refused where nobody said that the store is Kubernetes', () => {
    assert.match(problems({ flags: { 'kube-namespace': 'a' } }).join(), /^--kube-namespace: .*the store is etcd: say so with store.kind: kubernetes/);
    config({ flags: { 'kube-namespace': 'a', store: 'etcd' } });
  });
});

describe('whatever is given', () => {
  it('is read or refused by name, and never thrown over', () => {
    const flags = Object.values(options).map(({ flag }) => flag).filter((flag) => flag !== null);
    fc.assert(fc.property(fc.constantFrom(...flags), fc.string({ unit: 'binary' }), (flag, text) => {
      const loaded = load({ flags: { [flag]: text } });
      if ('problems' in loaded) {
        assert.ok(loaded.problems.every(({ source }) => source === `--${flag}`), JSON.stringify(loaded.problems));
      }
    }), { numRuns: 500 });
  });

  it('in the file is read or refused with its line', () => {
    const paths = Object.values(options).map(({ path }) => path);
    const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string({ unit: 'binary' }));
    fc.assert(fc.property(fc.constantFrom(...paths), value, (path, json) => {
      const nested = path.split('.').reduceRight<unknown>((inner, step) => ({ [step]: inner }), json);
      const loaded = load({ file: JSON.stringify(nested) });
      if ('problems' in loaded) {
        for (const { source } of loaded.problems) assert.match(source, /tenure\.yaml:1$/);
      }
    }), { numRuns: 500 });
  });
});
