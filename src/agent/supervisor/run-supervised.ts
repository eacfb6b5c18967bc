/** Runs the agent under a supervisor: this process becomes it. */
import type { AgentConfig } from '../../config/agent-config.ts';
import type { Logger } from 'pino';
import { loadAddon } from '../../net/addon.ts';
import { openGateCloser } from '../../net/fence-silence.ts';
import { leaveRealtime, requestBoundedRealtime } from '../../net/sched.ts';
import { createLogger } from '../../observe/logging.ts';
import { watchdogInterval } from '../systemd-notify.ts';
import { supervisedVariable } from './messages.ts';
import { Obituaries, openUdpPost } from './obituaries.ts';
import { farewell, Supervisor } from './supervisor.ts';

/** Before the threads of its agent, which give back its memory at the end. */
const realtimePriority = 2;

/** In quorum mode others wait to hear of the agent's death; in lease mode nobody does. */
export function wantsSupervisor(
  config: AgentConfig, env: Readonly<Record<string, string | undefined>>,
): boolean {
  return config.heartbeat !== null && config.store.kind !== 'none' && !config.witness
    && env[supervisedVariable] !== '1';
}

/**
 * What it does when its agent dies is waited for, also on a busy host; else it sleeps. Its agent is
 * an ordinary process again. Undone by what is returned.
 */
function beFirst(log: Logger): () => void {
  const refused = requestBoundedRealtime(realtimePriority);
  if (refused !== null) {
    log.warn({ reason: refused.message }, 'a busy host may hold up the supervisor');
    return () => undefined;
  }
  const demote = (): void => { leaveRealtime(); };
  process.on('SIGXCPU', demote);
  return () => {
    demote();
    process.off('SIGXCPU', demote);
  };
}

/** Resolves to the exit code. Throws FenceError where the kernel refuses its socket. */
export async function runSupervised(config: AgentConfig): Promise<number> {
  const { name } = config.node;
  const log = createLogger({ ...config.log, fields: { node: name, process: 'supervisor' } });
  const gate = openGateCloser();
  const post = openUdpPost();
  const obituaries = new Obituaries(post);
  const addon = loadAddon();
  const socket = process.env.NOTIFY_SOCKET ?? '';
  const notify = (text: string): void => {
    if (socket !== '') addon.unixDatagramSend(socket, Buffer.from(text));
  };
  const supervisor = new Supervisor({
    command: [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
  }, { log, gate, obituaries, post, notify, watchdogMs: watchdogInterval(process.env) });
  const demote = beFirst(log);
  const names = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  const passOn = (signal: NodeJS.Signals): void => {
    for (const known of names) if (signal === known) supervisor.signal(known);
  };
  for (const signal of names) process.on(signal, passOn);
  try {
    const code = await supervisor.run();
    await farewell();
    return code;
  } finally {
    for (const signal of names) process.off(signal, passOn);
    demote();
    gate.close();
    post.close();
  }
}
