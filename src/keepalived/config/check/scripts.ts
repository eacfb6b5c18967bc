/** Programs that keepalived runs: whether they are there, and whether it dares to. */
import type { ScriptState, UserFacts } from '../host.ts';
import type { Script } from '../model.ts';
import { lineOf } from '../lines/line.ts';
import { splitScriptWords } from '../lines/words.ts';
import { type Checker, statementsOf } from './checker.ts';

const root: UserFacts = { uid: 0, gid: 0 };
const defaultUser = 'keepalived_script';

/** Programs that the first process runs, around all others. */
const outerKeywords = ['startup_script', 'shutdown_script'] as const;

/** A program, with what the configuration says of it. */
interface Program {
  readonly part: object;
  readonly keyword: string;
  readonly title: string;
  readonly command: string;
  readonly user?: string;
  readonly group?: string;
  /** keepalived refuses the configuration if it is missing; others it leaves out in silence. */
  readonly needed: boolean;
  /** keepalived refuses the configuration if its user does not exist. */
  readonly strictUser: boolean;
}

const notifyKeywords = [
  'notify_master', 'notify_backup', 'notify_fault', 'notify_stop', 'notify', 'notify_deleted',
  'notify_master_rx_lower_pri',
] as const;

function program(
  part: object, keyword: string, title: string, script: Script | true | undefined,
): Program[] {
  return script === undefined || script === true ? []
    : [{ part, keyword, title, ...script, needed: false, strictUser: false }];
}

/** Programs of instances, groups and tracked scripts: keepalived looks at them for VRRP. */
function vrrpPrograms(checker: Checker): Program[] {
  const { configuration, global } = checker;
  const notified = [
    ...(configuration.vrrp_instance ?? []).map((part) => ({ part, kind: 'vrrp_instance' })),
    ...(configuration.vrrp_sync_group ?? []).map((part) => ({ part, kind: 'vrrp_sync_group' })),
  ];
  return [
    ...(configuration.vrrp_script ?? []).flatMap((script): Program[] =>
      script.script === undefined ? [] : [{
        part: script,
        keyword: 'script',
        title: `vrrp_script ${script.name}`,
        command: script.script,
        ...script.user,
        needed: true,
        strictUser: true,
      }]),
    ...notified.flatMap(({ part, kind }) => notifyKeywords.flatMap((keyword) =>
      program(part, keyword, `${kind} ${part.name}: ${keyword}`,
        keyword in part ? (part as Partial<Record<typeof keyword, Script>>)[keyword] : undefined))),
    ...(['notify_fifo_script', 'vrrp_notify_fifo_script'] as const).flatMap((keyword) =>
      program(global, keyword, keyword, global[keyword])),
  ];
}

/** Programs that run before and after keepalived. */
function outerPrograms({ global }: Checker): Program[] {
  return outerKeywords.flatMap((keyword) =>
    program(global, keyword, keyword, global[keyword])
      .map((one) => ({ ...one, strictUser: true })));
}

/** The numbers of the user that a program runs as; undefined if there is no such user. */
function userOf(checker: Checker, user: string, group: string | undefined): UserFacts | undefined {
  const { facts } = checker;
  if (!facts.user) return root;
  const found = facts.user(user);
  if (!found || group === undefined || !facts.group) return found;
  const gid = facts.group(group);
  return gid === undefined ? undefined : { uid: found.uid, gid };
}

type DefaultUser = UserFacts | { readonly problem: string };

const globalPrograms = [
  'notify_fifo', 'notify_fifo_script', 'vrrp_notify_fifo', 'vrrp_notify_fifo_script',
  'lvs_notify_fifo', 'lvs_notify_fifo_script', 'startup_script', 'shutdown_script',
];

/**
 * The user of programs that name none. keepalived settles on it when it first needs it, by what
 * stands before that in global_defs; so a FIFO above script_user gets another user than one below.
 */
function settleDefaultUser(checker: Checker): DefaultUser {
  let settled: DefaultUser | undefined;
  let secure = false;
  const settle = () => settled ??= fallbackUser(checker, secure);
  for (const { words, at, value } of statementsOf(checker.statements, 'global_defs')
    .flatMap((block) => block.body ?? [])) {
    const keyword = words[0]?.text ?? '';
    if (keyword === 'enable_script_security') secure = true;
    else if (keyword === 'script_user') {
      const { user = '', group } = (value ?? {}) as { user?: string; group?: string };
      settled = userOf(checker, user, group) ?? { problem: `script_user ${user} does not exist` };
    } else if (globalPrograms.includes(keyword) && value !== undefined
      && (value as { user?: string }).user === undefined) {
      const found = settle();
      if ('problem' in found) {
        const isOuter = outerKeywords.some((outer) => outer === keyword);
        checker.sayAt(at, `${keyword}: ${found.problem}`, {
          key: keyword, code: 'host',
          severity: isOuter || checker.since('2.2.5') ? 'error' : 'warning',
        });
      }
    }
  }
  return settle();
}

function fallbackUser(checker: Checker, secure: boolean): DefaultUser {
  const found = checker.facts.user?.(defaultUser);
  if (found || !checker.facts.user) return found ?? root;
  return secure
    ? { problem: `there is no user ${defaultUser}; give script_user before it` } : root;
}

/** The file that a command runs; undefined for `</path`, which only asks whether a file opens. */
function fileOf(command: string): string | undefined {
  const [first] = splitScriptWords(lineOf(command, '', 1)) ?? [];
  return first === undefined || /^<[ \t]*\//.test(first.text) ? undefined : first.text;
}

const problems: Readonly<Record<ScriptState, string>> = {
  ok: '',
  missing: 'is not there, or may not be reached by the user who is to run it',
  'wrong-type': 'is no file, or a directory on its path is a link, which keepalived refuses from '
    + '2.3.0 on',
  'not-executable': 'may not be run by its user',
  insecure: 'would be run by root, although others can change it',
};

/** Complains about one program; whether keepalived counts it as a script. */
function checkProgram(checker: Checker, one: Program, user: UserFacts): boolean {
  const file = fileOf(one.command);
  if (file === undefined) return false;
  if ((user.uid !== 0 || user.gid !== 0) && checker.since('2.2.5') && !checker.since('2.2.8')) {
    checker.say(one.part, `${one.title}: the check of this version of keepalived ends itself by a `
      + 'signal when it meets a program that another user than root is to run', {
      key: one.keyword, code: 'host', value: one.user,
    });
  }
  const state = checker.facts.script?.(file, user, checker.version) ?? 'ok';
  const secure = checker.global.enable_script_security === true;
  const inhibited = state === 'wrong-type' || (secure && state === 'insecure');
  if (state !== 'ok') {
    const refused = one.needed && (state === 'missing' || inhibited);
    checker.say(one.part, `${one.title}: ${file} ${problems[state]}`, {
      key: one.keyword, value: file, code: 'host', severity: refused ? 'error' : 'warning',
    });
  }
  return state !== 'missing';
}

function resolveUser(checker: Checker, one: Program, fallback: DefaultUser): UserFacts | undefined {
  if (one.user === undefined) {
    if (!('problem' in fallback)) return fallback;
    checker.say(one.part, `${one.title}: ${fallback.problem}`, {
      key: one.keyword, code: 'host',
      severity: one.needed || checker.since('2.2.5') ? 'error' : 'warning',
    });
    return undefined;
  }
  const found = userOf(checker, one.user, one.group);
  if (!found) {
    const who = one.group === undefined ? one.user : `${one.user} or group ${one.group}`;
    checker.say(one.part, `${one.title}: there is no user ${who}`, {
      key: one.keyword, code: 'host', value: one.user,
      severity: one.strictUser ? 'error' : 'warning',
    });
  }
  return found;
}

/** All programs of VRRP, and those around keepalived itself. */
export function checkScripts(checker: Checker): void {
  const { configuration, global } = checker;
  const secure = global.enable_script_security === true;
  if (global.script_user) {
    const { user, group } = global.script_user;
    if (!userOf(checker, user, group)) {
      checker.say(global, `script_user: there is no user ${user}${group === undefined ? '' : ` or group ${group}`}`, {
        key: 'script_user', code: 'host', value: user,
      });
    }
  }
  const fallback = settleDefaultUser(checker);
  const looksAt = (configuration.vrrp_instance ?? []).length > 0;
  for (const one of [...vrrpPrograms(checker), ...outerPrograms(checker)]) {
    const user = resolveUser(checker, one, fallback);
    const outer = outerKeywords.some((keyword) => keyword === one.keyword);
    if (!user || (!looksAt && !outer)) continue;
    if (checkProgram(checker, one, user) && !secure) {
      checker.say(one.part, `${one.title}: keepalived runs programs only with `
        + 'enable_script_security in global_defs', { key: one.keyword, code: 'security' });
    }
  }
}
