/** Eips with spec.protocol: vip on this host: keepalived, and what it needs. */
import type { AgentConfig } from '../../config/agent-config.ts';
import type { EipDocument } from '../../config/eip-document.ts';
import { formatVersion } from '../../keepalived/config/version.ts';
import { findKeepalived } from '../../keepalived/supervisor/program.ts';
import type { HostNetwork } from '../fitness.ts';
import { placeEips } from '../vip/placement.ts';
import { fail, ok, warn } from './check.ts';
import type { Check } from './check.ts';

/** `documents`: those of VRRP alone. */
export async function checkVip(
  config: AgentConfig, documents: readonly EipDocument[], network: HostNetwork,
): Promise<readonly Check[]> {
  if (documents.length === 0) return [];
  const { node: { name: node, labels, weight }, eips: { failbackMs } } = config;
  const { places, findings } = placeEips(
    { node, labels, weight, failbackMs, vrids: new Map(), documents }, network);
  return [
    await checkProgram(config.vip.program), await checkEar(),
    ...documents.map(({ name, disabled }) => {
      const fault = findings.find(({ subject }) => subject === name);
      if (disabled) return ok(`Eip ${name}`, 'is disabled');
      if (fault) {
        return fail(`Eip ${name}`, fault.text, 'see spec.interface of its manifest');
      }
      const on = places.find(({ pool }) => pool === name)?.interface;
      return ok(`Eip ${name}`, on === undefined
        ? 'is not for this node, by its node selector' : `can be kept by VRRP here, on ${on}`);
    }),
  ];
}

async function checkProgram(program: string): Promise<Check> {
  const found = await findKeepalived(program);
  if ('error' in found) {
    const [what = '', ...mend] = found.error.split(': ');
    return fail('keepalived', what, mend.join(': '));
  }
  const { version, features } = found.build;
  const text = `${program} is keepalived ${formatVersion(version)}`;
  return features.has('JSON') ? ok('keepalived', text)
    : warn('keepalived', `${text}, built without JSON: one that hangs is found late`,
      'install one that was built with --enable-json');
}

async function checkEar(): Promise<Check> {
  try {
    await import('raw-socket');
    return ok('watch on VRRP', 'the package raw-socket is there');
  } catch {
    return ok('watch on VRRP', 'the package raw-socket was not built: packet sockets stand in for it');
  }
}
