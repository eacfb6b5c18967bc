import type { Lab } from '../test/lab/lab.ts';
import type { Tenure } from '../test/lab/tenure.ts';

/** Every request that etcd has got, those within streams (lease renewals) included. */
export async function etcdRequests(lab: Lab, tenure: Tenure): Promise<number> {
  const script = `fetch('${tenure.etcd.member.metricsUrl}/metrics').then((r) => r.text()).then(console.log)`;
  const metrics = await lab.run('store', [process.execPath, '-e', script]);
  let sum = 0;
  for (const line of metrics.split('\n')) {
    if (line.startsWith('grpc_server_msg_received_total')) sum += Number(line.split(' ').at(-1));
  }
  return sum;
}
