/**
 * Puts the etcd options together: reads the files that they name, and checks that all fits. The
 * store is given the names of the TLS files: it reads them anew, as certificates are replaced.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { EtcdSettings } from './agent-config.ts';
import { options } from './options.ts';
import type { OptionKey, OptionValues } from './options.ts';
import { quote } from './problem.ts';
import type { ConfigProblem } from './problem.ts';
import type { ReadFile } from './read-file.ts';

type FileKey = 'etcdCa' | 'etcdCert' | 'etcdKey' | 'etcdPasswordFile';
type Origins = Readonly<Record<OptionKey, { readonly source: string } | null>>;

/** `refused` are the options whose values were; nothing is said of what depends on them. */
export function etcdSettings(
  values: OptionValues, origins: Origins, refused: ReadonlySet<OptionKey>, readFile: ReadFile,
): { readonly settings: EtcdSettings; readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const report = (key: OptionKey, text: string): void => {
    problems.push({ source: origins[key]?.source ?? 'default', field: options[key].path, text });
  };
  const contents = (key: FileKey): string | null => {
    const path = values[key];
    if (path === null) return null;
    const read = readFile(path);
    if (read.kind === 'text') return read.text;
    report(key, `${quote(path)} ${read.kind === 'missing' ? 'is not there.' : read.why}`);
    return null;
  };
  const ca = contents('etcdCa');
  const cert = contents('etcdCert');
  const key = contents('etcdKey');
  const secure = values.etcdEndpoints[0]?.startsWith('https:') ?? false;
  checkTls(values, { ca, cert, key }, secure || refused.has('etcdEndpoints'), report);
  const password = readPassword(values, contents('etcdPasswordFile'), report);
  return {
    settings: {
      endpoints: values.etcdEndpoints,
      prefix: values.etcdPrefix,
      ...secure ? { tls: filesOf(values) } : {},
      ...values.etcdUser === null || password === null
        ? {}
        : { user: values.etcdUser, password },
    },
    problems,
  };
}

function filesOf(values: OptionValues): NonNullable<EtcdSettings['tls']> {
  const { etcdCa: ca, etcdCert: cert, etcdKey: key } = values;
  return {
    ...ca === null ? {} : { ca }, ...cert === null ? {} : { cert }, ...key === null ? {} : { key },
  };
}

type Report = (key: OptionKey, text: string) => void;

function checkTls(
  values: OptionValues,
  pem: { readonly ca: string | null; readonly cert: string | null; readonly key: string | null },
  maySecure: boolean,
  report: Report,
): void {
  for (const key of ['etcdCa', 'etcdCert', 'etcdKey'] as const) {
    const path = values[key];
    if (path !== null && !maySecure) {
      report(key, `${quote(path)} has no use with endpoints of http://: write them with https://.`);
    }
  }
  if (values.etcdCert !== null && values.etcdKey === null) {
    report('etcdCert', `${quote(values.etcdCert)} lacks its key: give store.etcd.keyFile too.`);
  }
  if (values.etcdKey !== null && values.etcdCert === null) {
    report('etcdKey', `${quote(values.etcdKey)} lacks its certificate: give store.etcd.certFile too.`);
  }
  if (pem.ca !== null && certificateIn(pem.ca) === null) {
    report('etcdCa', `${quote(values.etcdCa ?? '')} holds no certificate in PEM.`);
  }
  const certificate = pem.cert === null ? null : certificateIn(pem.cert);
  if (pem.cert !== null && certificate === null) {
    report('etcdCert', `${quote(values.etcdCert ?? '')} holds no certificate in PEM.`);
  }
  if (pem.key === null) return;
  const key = privateKeyIn(pem.key);
  if (key === null) {
    report('etcdKey', `${quote(values.etcdKey ?? '')} holds no private key in PEM that is readable without a password.`);
  } else if (certificate !== null && !certificate.checkPrivateKey(key)) {
    report('etcdKey', `${quote(values.etcdKey ?? '')} is not the key of ${quote(values.etcdCert ?? '')}.`);
  }
}

function certificateIn(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function privateKeyIn(pem: string): ReturnType<typeof createPrivateKey> | null {
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}

function readPassword(
  values: OptionValues, inFile: string | null, report: Report,
): string | null {
  const { etcdUser, etcdPassword, etcdPasswordFile } = values;
  if (etcdPassword !== null && etcdPasswordFile !== null) {
    report('etcdPasswordFile', 'is given beside a password: take one of the two out.');
  }
  if (etcdUser === null) {
    if (etcdPassword !== null) report('etcdPassword', 'is given without a user: give store.etcd.user too.');
    if (etcdPasswordFile !== null) report('etcdPasswordFile', 'is given without a user: give store.etcd.user too.');
    return null;
  }
  if (etcdPassword === null && etcdPasswordFile === null) {
    report('etcdUser', `${quote(etcdUser)} has no password: give store.etcd.passwordFile.`);
    return null;
  }
  const password = inFile?.replace(/\r?\n$/, '') ?? etcdPassword;
  if (password === '') report('etcdPasswordFile', `${quote(etcdPasswordFile ?? '')} is empty.`);
  return password;
}
